import type { AgentId, ContextId } from '../core/ids.ts'
import type { LifeCycle } from '../core/life-cycle.ts'

export type Proficiency = 'novice' | 'competent' | 'expert'

/** A capability that an agent serves, as its context announces it to the mesh. */
export interface Offer {
  readonly agent: AgentId
  readonly capability: string
  /** Semantic version of the interface. */
  readonly version: string
  readonly proficiency?: Proficiency
  /** Of one call, in whatever unit the mesh agreed on. */
  readonly cost?: number
}

/** An offer of some member, as the gossiped map tells it. */
export interface LocatedOffer extends Offer {
  readonly context: ContextId
}

/**
 * Who passes on gossip of which shard: up to 64 members everybody every shard that anybody listens to, so that few links
 * suffice; above, who listens to something in it and, where these are fewer than an eighth of the mesh, helpers up to that
 * number (PROTOCOL.md, Neighbours).
 */
export interface Relays {
  /** Shards that this context passes on. */
  readonly shards: ReadonlySet<number>
  /** Whether the context, which may be this one, passes on the shard. */
  has(context: ContextId, shard: number): boolean
  /** Whether any other context passes on the shard. */
  hasOther(shard: number): boolean
}

/** Who is in the mesh, what they listen to and what they offer, as far as this context knows. */
export interface Members extends LifeCycle {
  readonly self: ContextId
  /** 16 random bytes, drawn at start: another incarnation is another life of the same key. */
  readonly incarnation: Uint8Array
  /** Members with a live map entry, without this context; sorted, the same array while nothing changed. */
  readonly present: readonly ContextId[]
  incarnationOf(context: ContextId): Uint8Array | undefined
  /** By the 64 bits of its origin's key in the agent's id; this context included. */
  contextOfAgent(agent: AgentId): ContextId | undefined
  /** The bytes of the membership credential, as its holder announced it; this context included. */
  membershipOf(context: ContextId): Uint8Array | undefined
  /** Our member-set digest equals that of every neighbour, and nothing they listed is missing here. */
  readonly isConverged: boolean
  /**
   * Announces the patterns of this context, summarised, once a turn. Resolves when all present members acknowledged,
   * or after 2 s with the rest in `unconfirmed`; those are asked again until they answer or are gone.
   */
  announcePatterns(patterns: readonly string[]): Promise<void>
  /** Present members that have not acknowledged the latest change of this context's entry. */
  readonly unconfirmed: readonly ContextId[]
  /** Other contexts that listen: the same array while nothing changed; undefined = not known for all: gossip instead. */
  audienceOf(topic: string): readonly ContextId[] | undefined
  /** Other contexts known to listen, though there may be more; the same array while nothing changed. */
  listenersOf(topic: string): readonly ContextId[]
  /**
   * Announces what the agents of this context offer; resolves like `announcePatterns`. ERR_ENTRY_TOO_LARGE above 20,000
   * offers or 800 KiB of them: what was announced before stays then.
   */
  announceOffers(offers: readonly Offer[]): Promise<void>
  /** Known offers, those of this context included; `complete` when every member's entry is current and the mesh converged. */
  offersOf(capability: string): { offers: readonly LocatedOffer[]; complete: boolean }
  readonly relays: Relays
  /** How many members that pass on gossip of the shard this context is linked to or is about to link to. */
  neighboursIn(shard: number): number
  /** Links to a few of those who pass on the shard, and keeps the links until a period and a half (15 s) after the last call. */
  seekRelays(shard: number): void
  /**
   * Asks `isUsed` once a period (10 s) about each link that no end has chosen: whether something used it since it was
   * asked last, or waits for it. A link found unused twice in a row is ended. For direct lanes and open calls.
   */
  holdLinks(isUsed: (context: ContextId) => boolean): void
  /** Called after the set of members, their patterns, offers or the convergence changed. Returns how to stop listening. */
  onChange(listener: () => void): () => void
}
