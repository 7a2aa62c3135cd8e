import { MemoryLevel } from 'memory-level'
import { AbstractLevelStore } from './abstract-level-store.ts'
import type { Store } from './store.ts'

/** A store that ends with the process: for simulations, tests and contexts without a folder. */
export async function memoryStore(): Promise<Store> {
  const level = new MemoryLevel<Uint8Array, Uint8Array>({
    keyEncoding: 'view',
    valueEncoding: 'view',
    storeEncoding: 'view',
  })
  await level.open()
  return new AbstractLevelStore(level, { keepsArrays: true })
}
