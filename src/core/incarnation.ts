import type { Random } from './random.ts'

export const INCARNATION_LENGTH = 16

/** What tells one start of a context from another: 16 random bytes. Nothing is ordered by it. */
export function drawIncarnation(random: Random): Uint8Array {
  return random.bytes(INCARNATION_LENGTH)
}
