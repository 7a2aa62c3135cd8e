import { describe, test } from 'vitest'
import { systemRandom } from '../../src/core/system-random.ts'
import { randomConformance } from '../../src/testing/random.ts'

randomConformance('system', {
  describe,
  test,
  open: async () => ({ random: systemRandom(), async [Symbol.asyncDispose]() {} }),
})
