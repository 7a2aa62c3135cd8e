import type { BrokerSubscription } from '../../src/broker/event-broker.ts'
import type { MeshBrokerOptions } from '../../src/broker/mesh/mesh-broker.ts'
import { shardOf } from '../../src/events/shard.ts'
import type { SwarmEvent } from '../../src/network/simulated/conditions.ts'
import { type Node, World } from '../unit/broker/world.ts'

export type Step =
  | {
      readonly do: 'publish'
      readonly node: number
      readonly topic: number
      readonly count: number
      readonly bytes: number
    }
  | { readonly do: 'toggle'; readonly node: number; readonly topic: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'links'; readonly latency: number; readonly jitter: number; readonly gossipDelay: number }
  | { readonly do: 'loss'; readonly share: number }
  /** Nothing passes from one to the other, until `heal`. */
  | { readonly do: 'hole'; readonly node: number; readonly other: number }
  | { readonly do: 'heal' }
  /** The link ends, and stands again a moment later. */
  | { readonly do: 'cut'; readonly node: number; readonly other: number }
  | { readonly do: 'crash'; readonly node: number }
  | { readonly do: 'restart'; readonly node: number }

const LOSSES = [
  'broker.duplicate-or-late',
  'broker.dropped-slow',
  'broker.direct.unacknowledged-bytes',
  'broker.direct.unsent-frames',
  'broker.gossip.unheard',
  // What had come by gossip and waited to be judged when its link ended.
  'gossip.not-admitted',
  'broker.parking-expired',
  'broker.parking-worthless',
  'link.unsent-bytes',
]

interface Published {
  readonly at: number
  /** The life of the publisher. */
  readonly publisher: number
  readonly shard: number
  readonly number: number
}

interface Place {
  node: Node
  life: number
  isUp: boolean
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
  readonly #nodes: Place[] = []
  /** Everybody who ever was here, for what they counted. */
  readonly #lived: Node[] = []
  /** When lives ended. */
  readonly #ends = new Map<number, number>()
  readonly #listening: Listening[] = []
  readonly #published: Published[] = []
  readonly #heard = new Map<string, number>()
  readonly #last = new Map<string, number>()
  #lives = 0
  #lostByGossip = 0

  private constructor(topics: number) {
    const observe = ({ kind }: SwarmEvent): void => {
      if (kind === 'lost') this.#lostByGossip += 1
    }
    this.world = new World({ latency: 2, jitter: 1, gossipDelay: 20, observe })
    // Half of them in one shard, half in another: frames are mixed.
    this.#topics = Array.from({ length: topics }, (_, at) => `amcp.domain.${at % 2 === 0 ? 'even' : 'odd'}.t${at}`)
    this.world.mesh.extraShards = this.#topics.map((topic) => shardOf(topic))
  }

  static async open(nodes: number, topics: number, options: MeshBrokerOptions): Promise<OrderWorld> {
    const world = new OrderWorld(topics)
    for (const node of await world.world.grow(nodes, options)) {
      world.#nodes.push({ node, life: world.#lives++, isUp: true })
      world.#lived.push(node)
    }
    return world
  }

  async take(step: Step): Promise<void> {
    const { swarm } = this.world
    switch (step.do) {
      case 'publish':
        return this.#publish(step.node, step.topic, step.count, ' '.repeat(step.bytes))
      case 'toggle':
        return this.#toggle(step.node, step.topic)
      case 'links':
        return swarm.set({ latency: step.latency, jitter: step.jitter, gossipDelay: step.gossipDelay })
      case 'loss':
        return swarm.set({ loss: step.share })
      case 'hole':
        return swarm.blackhole(this.#nodes[step.node]!.node.id, this.#nodes[step.other]!.node.id)
      case 'heal':
        return swarm.heal()
      case 'cut':
        return this.#cut(step.node, step.other)
      case 'crash':
        return this.#crash(step.node)
      case 'restart':
        return this.#restart(step.node)
      case 'pass':
        return this.world.pass(step.ms)
    }
  }

  /** Mends what is broken, as members do, and waits for what is under way. */
  async settle(): Promise<void> {
    this.world.swarm.heal()
    const up = this.#nodes.filter(({ isUp }) => isUp)
    for (const [at, { node }] of up.entries())
      for (const { node: other } of up.slice(at + 1))
        if (!node.network.isAdmitted(other.id) || !other.network.isAdmitted(node.id)) await this.world.link(node, other)
    await this.world.pass(10_000)
  }

  /** Whatever says that something was lost: on the wire, with a stream, or for its order. */
  get traces(): number {
    return this.#lostByGossip + this.counted(...LOSSES)
  }

  /** The sum of some counters of all who ever were here. */
  counted(...names: readonly string[]): number {
    return this.#lived.reduce((sum, node) => names.reduce((more, name) => more + node.count(name), sum), 0)
  }

  /** Events that somebody did not hear who, like their publisher, went on for `underWay` ms after them. */
  missing(underWay: number): string[] {
    const missing: string[] = []
    for (const [id, { at, publisher, shard, number }] of this.#published.entries())
      for (const { life, topic, since, until } of this.#listening) {
        if (shardOf(this.#topics[topic]!) !== shard || this.#topicOf[id] !== topic) continue
        const end = this.#ends.get(publisher) ?? Number.POSITIVE_INFINITY
        if (since > id || end < at + underWay || until < at + underWay || this.#heard.has(`${life} ${id}`)) continue
        missing.push(`${life} did not hear ${number} of ${publisher} in ${this.#topics[topic]} at ${at}`)
      }
    return missing
  }

  stop(): Promise<void> {
    return this.world.stop()
  }

  readonly #topicOf: number[] = []

  #publish(at: number, topic: number, count: number, padding: string): void {
    const { node, life, isUp } = this.#nodes[at]!
    if (!isUp) return
    const name = this.#topics[topic]!
    const shard = shardOf(name)
    for (let n = 0; n < count; n += 1) {
      const id = this.#published.length
      this.#published.push({ at: this.world.clock.monotonic(), publisher: life, shard, number: id })
      this.#topicOf.push(topic)
      node.broker.publish(node.event(name, `${id}${padding}`))
    }
  }

  async #toggle(at: number, topic: number): Promise<void> {
    const { node, life, isUp } = this.#nodes[at]!
    if (!isUp) return
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
      node.broker.subscribe(this.#topics[topic]!, (event) => this.#hear(life, Number(event.data))),
    )
    this.#listening.push({
      ...{ life, topic, subscription, since: this.#published.length, until: Number.POSITIVE_INFINITY },
    })
  }

  async #cut(one: number, other: number): Promise<void> {
    const [from, to] = [this.#nodes[one]!, this.#nodes[other]!]
    if (!from.isUp || !to.isUp || from === to) return
    await this.world.run(from.node.network.disconnect(to.node.id))
    await this.world.pass(20)
    this.world.swarm.heal()
    await this.world.link(from.node, to.node)
  }

  #crash(at: number): void {
    const place = this.#nodes[at]!
    if (!place.isUp) return
    place.isUp = false
    place.node.crash()
    const now = this.world.clock.monotonic()
    this.#ends.set(place.life, now)
    for (const listening of this.#listening)
      if (listening.life === place.life) listening.until = Math.min(listening.until, now)
  }

  /** Comes back listening to what it listened to. */
  async #restart(at: number): Promise<void> {
    const place = this.#nodes[at]!
    if (place.isUp) return
    const ended = this.#ends.get(place.life)
    const topics = this.#listening.filter(({ life, until }) => life === place.life && until === ended)
    this.world.swarm.heal()
    place.node = await place.node.restart()
    place.life = this.#lives++
    place.isUp = true
    this.#lived.push(place.node)
    for (const other of this.#nodes) if (other.isUp && other !== place) await this.world.link(place.node, other.node)
    for (const { topic } of topics) await this.#toggle(at, topic)
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
