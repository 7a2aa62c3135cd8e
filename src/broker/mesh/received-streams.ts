import type { Clock } from '../../core/clock.ts'
import type { ContextId } from '../../core/ids.ts'
import { ReceivedChain } from './chains.ts'

/** Longer than the time window of frames (150 s), so that nothing that could still be accepted is forgotten. */
const REMEMBER_MS = 600_000
/** Starts of one context remembered at once; more restarts within ten minutes are refused. */
const MAX_INCARNATIONS = 16
const MAX_PUBLISHERS = 4_096

/**
 * What has been delivered of one incarnation of one publisher: a version vector over the shards. A stream is
 * (publisher, incarnation, shard); everything up to `covered` was delivered or is known not to come.
 */
export class PublisherStreams {
  /** Last sequence by shard. */
  readonly covered: Float64Array
  /** By shard, up to where the direct lane has brought everything that it will bring. */
  readonly directDone: Float64Array
  /** Number of the next frame of the gossip chain by shard, -1 when unknown. */
  readonly nextGossip: Float64Array
  readonly #chains: (ReceivedChain | undefined)[]
  #linkChain: ReceivedChain | undefined
  lastUsed = 0

  constructor(shardCount: number) {
    this.covered = new Float64Array(shardCount).fill(-1)
    this.directDone = new Float64Array(shardCount).fill(-1)
    this.nextGossip = new Float64Array(shardCount).fill(-1)
    this.#chains = new Array(shardCount).fill(undefined)
  }

  /** Of the signed frames that come on the publisher's link to us, of all shards. */
  get linkChain(): ReceivedChain {
    this.#linkChain ??= new ReceivedChain()
    return this.#linkChain
  }

  chain(shard: number): ReceivedChain {
    let chain = this.#chains[shard]
    if (chain === undefined) {
      chain = new ReceivedChain()
      this.#chains[shard] = chain
    }
    return chain
  }
}

/** The streams of all publishers. Bounded; remembers longer than the time window, so that a replay is always known. */
export class ReceivedStreams {
  readonly #clock: Clock
  readonly #shardCount: number
  readonly #publishers = new Map<ContextId, Map<string, PublisherStreams>>()

  constructor(clock: Clock, shardCount: number) {
    this.#clock = clock
    this.#shardCount = shardCount
  }

  get size(): number {
    return this.#publishers.size
  }

  /** Only a look. */
  known(publisher: ContextId, incarnation: string): PublisherStreams | undefined {
    return this.#publishers.get(publisher)?.get(incarnation)
  }

  /** The streams of a member's incarnation, begun when they are new, or undefined when there is no room to remember another one. */
  of(publisher: ContextId, incarnation: string): PublisherStreams | undefined {
    const streams = this.#publishers.get(publisher)?.get(incarnation) ?? this.#begin(publisher, incarnation)
    if (streams !== undefined) streams.lastUsed = this.#clock.monotonic()
    return streams
  }

  #begin(publisher: ContextId, incarnation: string): PublisherStreams | undefined {
    let lives = this.#publishers.get(publisher)
    if (lives === undefined) {
      if (this.#publishers.size >= MAX_PUBLISHERS) this.#forget()
      if (this.#publishers.size >= MAX_PUBLISHERS) return undefined
      lives = new Map()
      this.#publishers.set(publisher, lives)
    }
    if (lives.size >= MAX_INCARNATIONS) this.#forgetLives(lives)
    if (lives.size >= MAX_INCARNATIONS) return undefined
    const streams = new PublisherStreams(this.#shardCount)
    lives.set(incarnation, streams)
    return streams
  }

  #forget(): void {
    for (const [publisher, lives] of this.#publishers) {
      this.#forgetLives(lives)
      if (lives.size === 0) this.#publishers.delete(publisher)
    }
  }

  #forgetLives(lives: Map<string, PublisherStreams>): void {
    const since = this.#clock.monotonic() - REMEMBER_MS
    for (const [incarnation, streams] of lives) if (streams.lastUsed < since) lives.delete(incarnation)
  }
}
