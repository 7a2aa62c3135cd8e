import type { Clock, Timer } from '../../core/clock.ts'
import { DEFAULT_SHARD_COUNT, shardsOfPatterns } from '../../events/shard.ts'
import type { Gossip } from '../../network/network.ts'

/** Generation of the shard count; it changes when a mesh grows out of its shards. */
export const SHARD_GENERATION = 0
/** ms that a shard stays joined when nobody listens to it any more: whoever listens next finds its meshes grafted. */
const LINGER = 60_000

/** The gossip topics of a mesh: `amcp/1/{mesh}/s/{generation}/{shard}`, and which of them this context has joined. */
export class Shards {
  readonly count: number
  readonly #gossip: Gossip
  readonly #topics: string[] = []
  readonly #shards = new Map<string, number>()
  readonly #joined = new Set<number>()
  /** Joined shards that are not wanted any more, in the order in which they are left. */
  readonly #leaving = new Map<number, Timer>()
  readonly #clock: Clock

  constructor(gossip: Gossip, clock: Clock, mesh: string, count: number = DEFAULT_SHARD_COUNT) {
    this.count = count
    this.#gossip = gossip
    this.#clock = clock
    for (let shard = 0; shard < count; shard++) {
      const topic = `amcp/1/${mesh}/s/${SHARD_GENERATION}/${shard}`
      this.#topics.push(topic)
      this.#shards.set(topic, shard)
    }
  }

  get joined(): ReadonlySet<number> {
    return this.#joined
  }

  topicOf(shard: number): string {
    const topic = this.#topics[shard]
    if (topic === undefined) throw new RangeError(`no shard ${shard} of ${this.count}`)
    return topic
  }

  /** The gossip topics that events for these patterns come by. */
  topicsOf(patterns: Iterable<string>): readonly string[] {
    return [...shardsOfPatterns(patterns, this.count)].map((shard) => this.topicOf(shard))
  }

  /** The shard of a gossip topic; undefined for a topic that is none of this mesh's shards. */
  shardOfTopic(topic: string): number | undefined {
    return this.#shards.get(topic)
  }

  /** Joins what is wanted at once, and leaves what is not after a while. */
  join(wanted: ReadonlySet<number>): void {
    for (const shard of this.#joined)
      if (!wanted.has(shard) && !this.#leaving.has(shard))
        this.#leaving.set(
          shard,
          this.#clock.after(LINGER, () => this.#leave(shard)),
        )
    for (const shard of wanted) {
      this.#leaving.get(shard)?.cancel()
      this.#leaving.delete(shard)
      if (this.#joined.has(shard) || shard >= this.count) continue
      this.#joined.add(shard)
      this.#gossip.subscribe(this.topicOf(shard))
    }
  }

  /** Leaves all at once. */
  close(): void {
    for (const timer of this.#leaving.values()) timer.cancel()
    for (const shard of this.#joined) this.#leave(shard)
  }

  #leave(shard: number): void {
    this.#leaving.delete(shard)
    this.#joined.delete(shard)
    this.#gossip.unsubscribe(this.topicOf(shard))
  }
}
