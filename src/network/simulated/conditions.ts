import type { Clock } from '../../core/clock.ts'
import type { Crypto } from '../../core/crypto.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Random } from '../../core/random.ts'

/** What the links of a swarm are like. */
export interface Conditions {
  /** One way, ms. @default 1 */
  readonly latency: number
  /** Drawn anew for each message, up to this many ms on top; never changes the order on a link. @default 0.5 */
  readonly jitter: number
  /** Share of gossip messages lost on each hop, 0 to 1; streams are reliable. @default 0 */
  readonly loss: number
  /**
   * A gossip message is passed on late by up to this many ms, drawn anew on each hop, so that streams of the same link
   * and later gossip overtake it: gossip is a stream of its own, with a queue of its own. @default 0
   */
  readonly gossipDelay: number
  /** Bytes per ms in each direction of a link. @default 100_000 */
  readonly bandwidth: number
  /**
   * Arrivals are rounded up to a multiple of this, ms. Coarser makes simulations faster, since all that happens at one
   * time costs one turn. A power of two keeps times exact. @default 0.125
   */
  readonly resolution: number
  /** A dial that nobody answers fails after this, ms. @default 5_000 */
  readonly dialTimeout: number
  /** A link on which one direction has been blocked for this long is noticed and ends at both ends, ms. @default 10_000 */
  readonly linkTimeout: number
}

export const defaultConditions: Conditions = {
  latency: 1,
  jitter: 0.5,
  loss: 0,
  gossipDelay: 0,
  bandwidth: 100_000,
  resolution: 0.125,
  dialTimeout: 5_000,
  linkTimeout: 10_000,
}

/** Something that happened between contexts, for traces and charts. */
export interface SwarmEvent {
  /** Virtual ms since the clock's zero. */
  readonly at: number
  readonly kind: 'link-up' | 'link-down' | 'gossip' | 'stream' | 'lost' | 'crash' | 'fault'
  readonly from: ContextId
  readonly to: ContextId
  /** Topic, protocol or fault. */
  readonly what: string
  readonly bytes: number
}

/** What all parts of one swarm share. */
export interface Environment {
  readonly clock: Clock
  readonly random: Random
  readonly crypto: Crypto
  /** As they are now. */
  conditions: Conditions
  readonly faults: { isBlocked(from: ContextId, to: ContextId): boolean }
  /** Told of everything that happens. */
  observe(event: SwarmEvent): void
}

/** Ms until something sent now arrives, the bytes' own time not counted. */
export function drawLatency({ random, conditions: { latency, jitter } }: Environment): number {
  return jitter > 0 ? latency + random.float() * jitter : latency
}
