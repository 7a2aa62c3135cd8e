import { randomFillSync, randomUUID } from 'node:crypto'
import type { Random } from './random.ts'

/** The operating system's randomness; `float` is the engine's, good for jitter and nothing secret. */
export function systemRandom(): Random {
  return {
    bytes: (length) => randomFillSync(new Uint8Array(length)),
    float: () => Math.random(),
    uuid: () => randomUUID(),
  }
}
