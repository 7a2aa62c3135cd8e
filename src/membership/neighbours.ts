import type { Crypto } from '../core/crypto.ts'
import type { ContextId } from '../core/ids.ts'
import { hexOf } from './state-entry.ts'

/** Up to so many members everybody links to everybody. */
export const FULL_MESH = 8

/**
 * Whom a context should be linked to, as a pure function of who is there, so that all members compute the same links
 * without talking. Above a handful the members form a ring in the order of their hashes, and each one dials the next
 * two and one a third of the way round: at least 4 neighbours and about 6 for everybody, a mesh that stays whole when
 * any three fail, and a few hops from end to end.
 */
export function chosenNeighbours(crypto: Crypto, self: ContextId, members: readonly ContextId[]): Set<ContextId> {
  const chosen = new Set<ContextId>()
  if (members.length <= FULL_MESH) for (const member of members) chosen.add(member)
  else {
    const ring = ringOf(crypto, members)
    const at = ring.indexOf(self)
    for (const step of [1, 2, Math.floor(ring.length / 3)]) chosen.add(ring[(at + step) % ring.length]!)
  }
  chosen.delete(self)
  return chosen
}

const encoder = new TextEncoder()

function ringOf(crypto: Crypto, members: readonly ContextId[]): ContextId[] {
  return members
    .map((member) => ({ member, place: hexOf(crypto.sha256(encoder.encode(member))) }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ member }) => member)
}
