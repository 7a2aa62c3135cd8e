import { describe, test } from 'vitest'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { cryptoConformance } from '../../src/testing/crypto.ts'

cryptoConformance('node', {
  describe,
  test,
  open: async () => ({ crypto: nodeCrypto({ keyCapacity: 64 }), async [Symbol.asyncDispose]() {} }),
})
