import { describe, test } from 'vitest'
import { simulatedCrypto } from '../../src/core/simulated-crypto.ts'
import { cryptoConformance } from '../../src/testing/crypto.ts'

cryptoConformance('simulated', {
  describe,
  test,
  open: async () => ({ crypto: simulatedCrypto(), async [Symbol.asyncDispose]() {} }),
})
