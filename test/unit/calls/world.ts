import { Publisher } from '../../../src/agent/publisher.ts'
import { AgentRegistry } from '../../../src/agent/registry.ts'
import { noWatch, type Watch } from '../../../src/agent/watch.ts'
import type { BrokerSubscription, Deliver, EventBroker } from '../../../src/broker/event-broker.ts'
import { Calls, type CallsOptions } from '../../../src/calls/calls.ts'
import type { Directory, Lanes } from '../../../src/calls/directory.ts'
import { Counters } from '../../../src/core/counters.ts'
import type { AgentId, ContextId } from '../../../src/core/ids.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import type { Ports } from '../../../src/core/ports.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../../src/core/simulated-crypto.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import type { LocatedOffer } from '../../../src/membership/members.ts'

/** What the pieces of a mesh share in tests: every event reaches every matching subscriber unless `drop` says no. */
export class World {
  readonly clock: VirtualClock = new VirtualClock()
  readonly contexts: Place[] = []
  readonly published: AmcpEvent[] = []
  isConverged = true
  drop: (event: AmcpEvent) => boolean = () => false
  /** Contexts that nobody has a way to yet: it is made, or fails, when `reach` settles. */
  readonly reach = new Map<ContextId, Promise<void>>()
  /** What the next publishes do instead of publishing. */
  fault: ((event: AmcpEvent) => undefined | Promise<void>) | undefined
  #deliveries = 0

  context(name: ContextId, options: CallsOptions = {}, watch: Watch = noWatch): Place {
    const place = new Place(this, name, options, watch)
    this.contexts.push(place)
    this.changed()
    return place
  }

  leave(place: Place): void {
    this.contexts.splice(this.contexts.indexOf(place), 1)
    this.changed()
  }

  changed(): void {
    for (const place of this.contexts)
      place.present = this.contexts.map(({ self }) => self).filter((id) => id !== place.self)
    for (const place of this.contexts) for (const listener of place.listeners) listener()
  }

  carry(event: AmcpEvent): undefined | Promise<void> {
    if (this.fault !== undefined) return this.fault(event)
    this.published.push(event)
    if (this.drop(event)) return undefined
    this.#deliveries += 1
    for (const { patterns } of [...this.contexts]) {
      for (const [pattern, delivers] of patterns) {
        if (matches(pattern, event.subject)) for (const deliver of delivers) deliver(event, this.#deliveries)
      }
    }
    return undefined
  }
}

/** One context of the world: agents and calls on a broker that is nothing but the world itself. */
export class Place implements Directory, EventBroker {
  readonly self: ContextId
  readonly ports: Ports
  readonly registry: AgentRegistry
  readonly calls: Calls
  readonly publisher: Publisher
  readonly patterns = new Map<string, Set<Deliver>>()
  readonly listeners = new Set<() => void>()
  present: readonly ContextId[] = []
  offersChanged = 0
  readonly #world: World
  #minted = 0

  constructor(world: World, self: ContextId, options: CallsOptions, watch: Watch) {
    this.#world = world
    this.self = self
    this.ports = {
      clock: world.clock,
      random: new SeededRandom(world.contexts.length + 1),
      crypto: simulatedCrypto(),
      logger: silentLogger,
      counters: new Counters(),
    }
    const checks = { topic: () => {}, data: (_: string, data: unknown) => data, event: () => {} }
    this.publisher = new Publisher({ self, ports: this.ports, broker: this, checks })
    this.registry = new AgentRegistry({
      ports: this.ports,
      broker: this,
      publisher: this.publisher,
      watch,
      call: (caller, target, input, callOptions, chain) => this.calls.call(caller, target, input, callOptions, chain),
      take: (event) => this.calls.take(event),
      mint: (type, name) => this.mint(type, name),
      isOwn: (agent) => this.#world.contexts.some((place) => place === this && place.owns(agent)),
      agentContext: (registry, broker) => ({
        registry,
        broker,
        security: { tokenOf: () => ({ bytes: new Uint8Array(), hash: new Uint8Array() }) },
        endpoint: [],
      }),
      forget: () => {},
      onOffers: () => {
        this.offersChanged += 1
        world.changed()
      },
    })
    const lanes: Lanes = {
      isOpen: (context) => !world.reach.has(context),
      reach: (context) => world.reach.get(context)!,
    }
    this.calls = new Calls({ ports: this.ports, broker: this, lanes, directory: this, agents: this.registry }, options)
  }

  mint(type: string, name: string | undefined): AgentId {
    const number = name === undefined ? (this.#minted++).toString(16) : hash(`${type}/${name}`)
    const place = [...this.self].map((letter) => letter.charCodeAt(0).toString(16)).join('')
    return `${place.padEnd(8, '0').slice(0, 8)}-0000-8000-8000-${number.padStart(12, '0')}`
  }

  owns(agent: AgentId): boolean {
    return agent.startsWith(this.mint('', undefined).slice(0, 8))
  }

  get isConverged(): boolean {
    return this.#world.isConverged
  }

  contextOfAgent(agent: AgentId): ContextId | undefined {
    return this.#world.contexts.find((place) => place.owns(agent))?.self
  }

  offersOf(capability: string): { offers: readonly LocatedOffer[]; complete: boolean } {
    const offers = this.#world.contexts.flatMap(({ registry, self }) =>
      registry.offers.filter((offer) => offer.capability === capability).map((offer) => ({ ...offer, context: self })),
    )
    return { offers, complete: this.#world.isConverged }
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async start(): Promise<void> {
    await this.registry.start()
  }

  async stop(): Promise<void> {
    this.calls.stop()
    await this.registry.stop()
  }

  publish(event: AmcpEvent): undefined | Promise<void> {
    return this.#world.carry(event)
  }

  async subscribe(pattern: string, deliver: Deliver): Promise<BrokerSubscription> {
    if (pattern.includes('..')) throw new RangeError(`empty level in ${pattern}`)
    const delivers = this.patterns.get(pattern) ?? new Set()
    this.patterns.set(pattern, delivers.add(deliver))
    return { pattern, unsubscribe: () => delivers.delete(deliver) }
  }
}

export function event(subject: string, data: unknown = null, more: Partial<AmcpEvent> = {}): AmcpEvent {
  return {
    specversion: '1.0',
    id: '00000000-0000-4000-8000-000000000000',
    source: 'amcp://elsewhere/00000000-0000-8000-8000-000000000000',
    type: 'amcp.domain.event',
    subject,
    time: '2026-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    data,
    ...more,
  }
}

function matches(pattern: string, topic: string): boolean {
  const source = pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+').replace('>', '.+')
  return new RegExp(`^${source}$`).test(topic)
}

function hash(text: string): string {
  let value = 0
  for (const letter of text) value = (value * 31 + letter.charCodeAt(0)) >>> 0
  return `f${value.toString(16)}`
}
