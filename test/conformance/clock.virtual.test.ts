import { describe, test } from 'vitest'
import { VirtualClock } from '../../src/core/virtual-clock.ts'
import { clockConformance } from '../../src/testing/clock.ts'

clockConformance('virtual', {
  describe,
  test,
  open: async () => {
    const clock = new VirtualClock()
    return { clock, run: (work) => clock.runFor(work), async [Symbol.asyncDispose]() {} }
  },
})
