import { DEFAULT_SHARD_COUNT } from '../../events/shard.ts'
import type { Gossip } from '../../network/network.ts'

/** Generation of the shard count; it changes when a mesh grows out of its shards. */
export const SHARD_GENERATION = 0

/** The gossip topics of a mesh: `amcp/1/{mesh}/s/{generation}/{shard}`, and which of them this context has joined. */
export class Shards {
  readonly count: number
  readonly #gossip: Gossip
  readonly #topics: string[] = []
  readonly #shards = new Map<string, number>()
  readonly #joined = new Set<number>()

  constructor(gossip: Gossip, mesh: string, count: number = DEFAULT_SHARD_COUNT) {
    this.count = count
    this.#gossip = gossip
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

  /** The shard of a gossip topic; undefined for a topic that is none of this mesh's shards. */
  shardOfTopic(topic: string): number | undefined {
    return this.#shards.get(topic)
  }

  /** Joins and leaves until exactly the wanted shards are joined. */
  join(wanted: ReadonlySet<number>): void {
    for (const shard of this.#joined) {
      if (wanted.has(shard)) continue
      this.#joined.delete(shard)
      this.#gossip.unsubscribe(this.topicOf(shard))
    }
    for (const shard of wanted) {
      if (this.#joined.has(shard) || shard >= this.count) continue
      this.#joined.add(shard)
      this.#gossip.subscribe(this.topicOf(shard))
    }
  }
}
