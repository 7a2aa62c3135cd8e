import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { levelStore } from '../../src/core/level-store.ts'
import { storeConformance } from '../../src/testing/store.ts'

storeConformance('level', {
  describe,
  test,
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'amcp-store-'))
    const store = await levelStore(folder)
    return {
      store,
      async [Symbol.asyncDispose]() {
        await store.close()
        await rm(folder, { recursive: true })
      },
    }
  },
})
