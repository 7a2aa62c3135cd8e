import { describe, test } from 'vitest'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { randomConformance } from '../../src/testing/random.ts'

randomConformance('seeded', {
  describe,
  test,
  open: async () => ({ random: new SeededRandom('conformance'), async [Symbol.asyncDispose]() {} }),
})
