import { describe, test } from 'vitest'
import { systemClock } from '../../src/core/system-clock.ts'
import { clockConformance } from '../../src/testing/clock.ts'

clockConformance('system', {
  describe,
  test,
  open: async () => ({ clock: systemClock(), run: (work) => work, async [Symbol.asyncDispose]() {} }),
})
