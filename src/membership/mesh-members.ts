import type { AgentId, ContextId } from '../core/ids.ts'
import { STOP_MS, type StopOptions } from '../core/life-cycle.ts'
import type { Ports } from '../core/ports.ts'
import type { Network } from '../network/network.ts'
import type { MemberCredentials } from './member-credentials.ts'
import { MemberParts, type MeshMembersComponents, type MeshMembersOptions } from './member-parts.ts'
import type { LocatedOffer, Members, Offer } from './members.ts'
import type { ShardRelays } from './relays.ts'
import { Upkeep } from './upkeep.ts'

/** The members of a mesh over the Network port: hello, gossiped map, interest, links. */
export function meshMembers(components: MeshMembersComponents, options: MeshMembersOptions = {}): Members {
  return new MeshMembers(components, options)
}

/** Starts, keeps up and stops the parts of a member, and answers from them. */
class MeshMembers implements Members {
  /** For two round trips to the neighbours: who does not say goodbye is missed for 30 s. */
  readonly stopReserve = 1_000
  readonly self: ContextId
  readonly #ports: Ports
  readonly #network: Network
  readonly #credentials: MemberCredentials
  readonly #parts: MemberParts
  readonly #upkeep: Upkeep
  #unlisten: (() => void) | undefined
  #starting: Promise<void> | undefined
  #isRunning = false

  constructor(components: MeshMembersComponents, options: MeshMembersOptions) {
    const { ports, network, credentials } = components
    this.self = network.id
    this.#ports = ports
    this.#network = network
    this.#credentials = credentials
    this.#parts = new MemberParts(components, options)
    const acts = { renew: () => this.#renew(), expire: () => this.#expire() }
    this.#upkeep = new Upkeep(ports, this.#parts.timing.period, acts)
  }

  get incarnation(): Uint8Array {
    return this.#parts.incarnation
  }

  start({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#starting ??= this.#start(signal)
    return this.#starting
  }

  async stop({ by = this.#ports.clock.monotonic() + STOP_MS }: StopOptions = {}): Promise<void> {
    if (!this.#isRunning) return
    const { connector, hellos, joining, exchange, announcer, store, timing } = this.#parts
    this.#isRunning = false
    this.#unlisten?.()
    this.#upkeep.stop()
    connector.stop()
    hellos.stop()
    joining.stop()
    // Each takes half of what is left at most, so that one neighbour's silence does not cost the others the farewell.
    const half = (): number => (by - this.#ports.clock.monotonic()) / 2
    await exchange.settled(Math.min(timing.hello, half()))
    announcer.stop()
    // Once more: a farewell that is lost with its link leaves this context present, and unconfirmed, for 30 s.
    await exchange.settled(Math.min(timing.grace, half()))
    await exchange.stop(by)
    await store.save()
  }

  get present(): readonly ContextId[] {
    return this.#parts.view.present
  }

  incarnationOf(context: ContextId): Uint8Array | undefined {
    return context === this.self ? this.incarnation : this.#parts.view.incarnationOf(context)
  }

  contextOfAgent(agent: AgentId): ContextId | undefined {
    return this.#parts.view.contextOfAgent(agent)
  }

  membershipOf(context: ContextId): Uint8Array | undefined {
    return context === this.self ? this.#credentials.own : this.#parts.view.membershipOf(context)
  }

  get isConverged(): boolean {
    return this.#parts.exchange.isConverged
  }

  get unconfirmed(): readonly ContextId[] {
    return this.#parts.announcer.unconfirmed
  }

  audienceOf(topic: string): readonly ContextId[] | undefined {
    if (this.#parts.view.isStale || !this.#parts.wasConverged || this.#parts.map.isLarge) return undefined
    return this.#parts.view.listenersOf(topic)
  }

  listenersOf(topic: string): readonly ContextId[] {
    return this.#parts.view.listenersOf(topic)
  }

  offersOf(capability: string): { offers: readonly LocatedOffer[]; complete: boolean } {
    return {
      offers: this.#parts.view.offersOf(capability),
      complete: this.#parts.wasConverged && !this.#parts.view.isStale,
    }
  }

  get relays(): ShardRelays {
    return this.#parts.view.relays
  }

  neighboursIn(shard: number): number {
    return this.#parts.connector.neighboursIn(shard)
  }

  seekRelays(shard: number): void {
    this.#parts.connector.seekRelays(shard)
  }

  onChange(listener: () => void): () => void {
    return this.#parts.onChange(listener)
  }

  holdLinks(isUsed: (context: ContextId) => boolean): void {
    this.#parts.connector.hold(isUsed)
  }

  announcePatterns(patterns: readonly string[]): Promise<void> {
    return this.#parts.announcer.patterns(patterns)
  }

  announceOffers(offers: readonly Offer[]): Promise<void> {
    return this.#parts.announcer.offers(offers)
  }

  async #start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { own, store, exchange, announcer, hellos, joining, connector } = this.#parts
    own.begin(await store.load())
    this.#isRunning = true
    this.#unlisten = this.#network.onPeer({ disconnected: (peer) => exchange.disconnected(peer) })
    announcer.start()
    hellos.start()
    joining.expect(connector.start())
    this.#upkeep.start()
    await joining.wait(signal)
    await announcer.confirmed()
    await store.save()
  }

  #renew(): void {
    this.#parts.announcer.renew()
    this.#parts.exchange.exchangeDigests()
    this.#parts.connector.upkeep()
    this.#save()
  }

  #expire(): void {
    const { map, exchange, announcer, addressBook } = this.#parts
    const gone = map.expire(this.#ports.clock.monotonic())
    this.#ports.counters.add('membership.entry.expired', gone.length)
    exchange.forget(gone)
    announcer.acknowledgements.forget(gone)
    addressBook.forget(gone)
    this.#parts.changed()
  }

  #save(): void {
    this.#parts.store.save().catch((error: unknown) => {
      this.#ports.counters.add('membership.store.failed')
      this.#ports.logger.warn({ error: String(error) }, 'membership state was not saved')
    })
  }
}
