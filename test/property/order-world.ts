import type { BrokerSubscription } from '../../src/broker/event-broker.ts'
import type { MeshBrokerOptions } from '../../src/broker/mesh/mesh-broker.ts'
import { shardOf } from '../../src/events/shard.ts'
import { type Node, World } from '../unit/broker/world.ts'

export type Step =
  | { readonly do: 'publish'; readonly node: number; readonly topic: number; readonly count: number }
  | { readonly do: 'toggle'; readonly node: number; readonly topic: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'links'; readonly latency: number; readonly jitter: number }

/** How long somebody must go on listening to be owed an event, ms. */
const UNDER_WAY = 3_000

interface Published {
  readonly at: number
  /** The life of the publisher. */
  readonly publisher: number
  readonly shard: number
  readonly number: number
}

interface Listening {
  readonly life: number
  readonly topic: number
  /** The first event that is owed. */
  readonly since: number
  until: number
  readonly subscription: BrokerSubscription
}

/** Contexts that publish and listen as a script says, and what each of them heard. */
export class OrderWorld {
  readonly world: World
  readonly disorder: string[] = []
  readonly #topics: readonly string[]
  readonly #nodes: { node: Node; life: number }[] = []
  readonly #listening: Listening[] = []
  readonly #published: Published[] = []
  readonly #heard = new Map<string, number>()
  readonly #last = new Map<string, number>()
  #lives = 0

  private constructor(topics: number) {
    this.world = new World({ latency: 2, jitter: 1 })
    // Half of them in one shard, half in another: frames are mixed.
    this.#topics = Array.from({ length: topics }, (_, at) => `amcp.domain.${at % 2 === 0 ? 'even' : 'odd'}.t${at}`)
    this.world.mesh.extraShards = this.#topics.map((topic) => shardOf(topic))
  }

  static async open(nodes: number, topics: number, options: MeshBrokerOptions): Promise<OrderWorld> {
    const world = new OrderWorld(topics)
    for (const node of await world.world.grow(nodes, options)) world.#nodes.push({ node, life: world.#lives++ })
    return world
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'publish') this.#publish(step.node, step.topic, step.count)
    else if (step.do === 'toggle') await this.#toggle(step.node, step.topic)
    else if (step.do === 'links') this.world.swarm.set({ latency: step.latency, jitter: step.jitter })
    else await this.world.pass(step.ms)
  }

  settle(): Promise<void> {
    return this.world.pass(10_000)
  }

  /** Events that somebody was owed and did not hear. */
  get missing(): string[] {
    const missing: string[] = []
    for (const [id, { at, publisher, shard, number }] of this.#published.entries())
      for (const { life, topic, since, until } of this.#listening) {
        if (shardOf(this.#topics[topic]!) !== shard || this.#topicOf[id] !== topic) continue
        if (since > id || until < at + UNDER_WAY || this.#heard.has(`${life} ${id}`)) continue
        missing.push(`${life} did not hear ${number} of ${publisher} in ${this.#topics[topic]} at ${at}`)
      }
    return missing
  }

  stop(): Promise<void> {
    return this.world.stop()
  }

  readonly #topicOf: number[] = []

  #publish(at: number, topic: number, count: number): void {
    const { node, life } = this.#nodes[at]!
    const name = this.#topics[topic]!
    const shard = shardOf(name)
    for (let n = 0; n < count; n += 1) {
      const id = this.#published.length
      this.#published.push({ at: this.world.clock.monotonic(), publisher: life, shard, number: id })
      this.#topicOf.push(topic)
      node.broker.publish(node.event(name, id))
    }
  }

  async #toggle(at: number, topic: number): Promise<void> {
    const { node, life } = this.#nodes[at]!
    const now = this.world.clock.monotonic()
    const known = this.#listening.find(
      (one) => one.life === life && one.topic === topic && one.until === Number.POSITIVE_INFINITY,
    )
    if (known !== undefined) {
      known.until = now
      known.subscription.unsubscribe()
      return
    }
    const subscription = await this.world.run(
      node.broker.subscribe(this.#topics[topic]!, (event) => this.#hear(life, event.data as number)),
    )
    this.#listening.push({
      ...{ life, topic, subscription, since: this.#published.length, until: Number.POSITIVE_INFINITY },
    })
  }

  #hear(life: number, id: number): void {
    const { publisher, shard } = this.#published[id]!
    const key = `${life} ${id}`
    if (this.#heard.has(key)) this.disorder.push(`${life} heard ${id} twice`)
    this.#heard.set(key, id)
    const stream = `${life} ${publisher} ${shard}`
    const last = this.#last.get(stream) ?? -1
    if (id < last) this.disorder.push(`${life} heard ${id} after ${last} of ${publisher}`)
    this.#last.set(stream, id)
  }
}
