import type { ContextId } from '../../core/ids.ts'
import type { Random } from '../../core/random.ts'
import { pick } from './pick.ts'

/** Neighbours a topic's mesh aims at, mends below, and thins out above; gossipsub's D, D_low and D_high. */
export const DEGREE = 6
const LOW = 4
const HIGH = 12
/** How long a peer that pruned is not asked again, ms. */
const BACKOFF = 60_000

/** Who of a topic's subscribers is grafted, for one context that subscribes to it. */
export class TopicMesh {
  readonly members: Set<ContextId> = new Set()
  readonly #notBefore = new Map<ContextId, number>()

  get isFull(): boolean {
    return this.members.size >= HIGH
  }

  /** Remembers that the peer does not want to be grafted for a while. */
  backOff(peer: ContextId, now: number): void {
    this.members.delete(peer)
    this.#notBefore.set(peer, now + BACKOFF)
  }

  forget(peer: ContextId): void {
    this.members.delete(peer)
    this.#notBefore.delete(peer)
  }

  /** Draws whom to graft; they are members from now on. */
  graft(subscribers: readonly ContextId[], random: Random, now: number): ContextId[] {
    if (this.members.size >= LOW) return []
    const candidates = subscribers.filter((peer) => !this.members.has(peer) && (this.#notBefore.get(peer) ?? 0) <= now)
    const grafted = pick(random, candidates, DEGREE - this.members.size)
    for (const peer of grafted) this.members.add(peer)
    return grafted
  }
}
