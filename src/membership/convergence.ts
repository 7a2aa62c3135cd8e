import type { ContextId } from '../core/ids.ts'
import type { Hello } from './hello-message.ts'
import type { StateLink } from './state-link.ts'
import type { StateMap } from './state-map.ts'

/** What is kept of an admitted peer's hello. */
export type Greeted = Pick<Hello, 'incarnation' | 'members'>

/**
 * Whether every neighbour knows the same members, by what it told last, and nothing that it listed is missing here. A new
 * link counts by the digest in its hello until its first summary: else each new link would put direct lanes off.
 */
export function isConverged(
  map: StateMap,
  admitted: ReadonlyMap<ContextId, Greeted>,
  links: ReadonlyMap<ContextId, StateLink>,
): boolean {
  if (admitted.size === 0) return map.members.length <= 1
  const digest = map.memberDigest
  for (const [peer, hello] of admitted) {
    const link = links.get(peer)
    if ((link?.members ?? hello.members) !== digest) return false
    if (link !== undefined && link.missing.size > 0) return false
  }
  return true
}
