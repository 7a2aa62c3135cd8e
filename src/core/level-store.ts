import { ClassicLevel } from 'classic-level'
import { AbstractLevelStore, storeErrorOf } from './abstract-level-store.ts'
import type { Store } from './store.ts'

/**
 * A store in a folder on disk (LevelDB), made when it is missing. LevelDB's lock on the folder is the operating system's, so it
 * ends with the process however that dies.
 * Errors: ERR_FOLDER_IN_USE while another process or another part of this one has it open, ERR_STORE_UNREADABLE.
 */
export async function levelStore(folder: string): Promise<Store> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
  try {
    await level.open()
  } catch (cause) {
    throw storeErrorOf(cause)
  }
  return new AbstractLevelStore(level)
}
