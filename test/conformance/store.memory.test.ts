import { describe, test } from 'vitest'
import { memoryStore } from '../../src/core/memory-store.ts'
import { storeConformance } from '../../src/testing/store.ts'

storeConformance('memory', {
  describe,
  test,
  open: async () => {
    const store = await memoryStore()
    return { store, [Symbol.asyncDispose]: () => store.close() }
  },
})
