import type { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import { drawIncarnation } from '../core/incarnation.ts'
import { STOP_MS, type StopOptions } from '../core/life-cycle.ts'
import type { Ports } from '../core/ports.ts'
import type { Store } from '../core/store.ts'
import { DEFAULT_SHARD_COUNT } from '../events/shard.ts'
import type { Network } from '../network/network.ts'
import { AddressBook } from './address-book.ts'
import { Announcer } from './announcer.ts'
import { Connector } from './connector.ts'
import { aliveElsewhere, duplicateIdentity, LivesOfSelf } from './duplicate-identity.ts'
import { Hellos } from './hello.ts'
import type { Hello } from './hello-message.ts'
import { Joining } from './joining.ts'
import type { MemberCredentials } from './member-credentials.ts'
import { MemberStore } from './member-store.ts'
import { MemberView } from './member-view.ts'
import type { LocatedOffer, Members, Offer } from './members.ts'
import { OwnAddresses } from './own-addresses.ts'
import { OwnEntry } from './own-entry.ts'
import type { ShardRelays } from './relays.ts'
import { signLife } from './sign-of-life.ts'
import type { StateEntry } from './state-entry.ts'
import { hexOf } from './state-entry.ts'
import { StateExchange } from './state-exchange.ts'
import { StateMap } from './state-map.ts'
import type { MembershipTiming } from './timing.ts'
import { defaultTiming } from './timing.ts'
import { Upkeep } from './upkeep.ts'

export interface MeshMembersComponents {
  ports: Ports
  /** Started before and stopped after the members. */
  network: Network
  store: Store
  credentials: MemberCredentials
}

export interface MeshMembersOptions {
  /** Addresses to join by: one is enough. */
  addresses?: readonly string[]
  /** False links only to the given addresses and to whoever dials: for lines and rings in tests. @default true */
  dialBeyond?: boolean
  /** How many shards the mesh has, from its description. @default 64 */
  shards?: number
  /** @default defaultTiming */
  timing?: Partial<MembershipTiming>
  /** ERR_DUPLICATE_IDENTITY: another process lives under this key, and this one is the later and must stop. */
  fault?: (error: AmcpError) => void
}

/** The members of a mesh over the Network port: hello, gossiped map, interest, links. */
export function meshMembers(components: MeshMembersComponents, options: MeshMembersOptions = {}): Members {
  return new MeshMembers(components, options)
}

class MeshMembers implements Members {
  /** For two round trips to the neighbours: who does not say goodbye is missed for 30 s. */
  readonly stopReserve = 1_000
  readonly self: ContextId
  readonly incarnation: Uint8Array
  readonly #ports: Ports
  readonly #network: Network
  readonly #credentials: MemberCredentials
  readonly #timing: MembershipTiming
  readonly #fault: (error: AmcpError) => void
  readonly #map: StateMap
  readonly #own: OwnEntry
  readonly #announcer: Announcer
  readonly #view: MemberView
  readonly #lives: LivesOfSelf
  readonly #store: MemberStore
  readonly #hellos: Hellos
  readonly #exchange: StateExchange
  readonly #connector: Connector
  readonly #joining: Joining
  readonly #upkeep: Upkeep
  readonly #addressBook: AddressBook
  readonly #addresses: OwnAddresses
  readonly #listeners = new Set<() => void>()
  #wasConverged = true
  #unlisten: (() => void) | undefined
  #starting: Promise<void> | undefined
  #isRunning = false
  #isDuplicate = false

  constructor(components: MeshMembersComponents, options: MeshMembersOptions) {
    const { ports, network, store, credentials } = components
    const { addresses = [], dialBeyond = true, shards = DEFAULT_SHARD_COUNT, timing = {}, fault } = options
    this.self = network.id
    this.incarnation = drawIncarnation(ports.random)
    this.#ports = ports
    this.#network = network
    this.#credentials = credentials
    this.#timing = { ...defaultTiming, ...timing }
    this.#fault = fault ?? (() => undefined)
    const incarnation = hexOf(this.incarnation)
    this.#map = new StateMap(ports.crypto, this.self, 3 * this.#timing.period)
    this.#own = new OwnEntry(ports, credentials, this.self, incarnation)
    const { self } = this
    this.#view = new MemberView(
      { ...ports, map: this.#map, credentials },
      { self, period: this.#timing.period, shards, dialBeyond },
    )
    this.#lives = new LivesOfSelf(this.#own, incarnation)
    this.#store = new MemberStore(store)
    this.#addressBook = new AddressBook(network)
    this.#addresses = new OwnAddresses(network, ports.counters)
    this.#announcer = new Announcer({ ports, own: this.#own }, this.#timing, {
      required: () => this.#required(),
      addresses: () => this.#addresses.list,
      publish: (entry) => this.#publish(entry),
    })
    this.#upkeep = new Upkeep(ports, this.#timing.period, { renew: () => this.#renew(), expire: () => this.#expire() })
    this.#joining = new Joining(ports.clock, this.#timing, (peer) => this.#connector.isInvited(peer))
    this.#exchange = new StateExchange({ ports, network, credentials, map: this.#map }, this.#timing, {
      changed: () => this.#changed(),
      acknowledged: (by, version) => this.#announcer.acknowledgements.acknowledged(by, version),
      signLife: (nonce) => signLife((message) => credentials.sign(message), this.self, incarnation, nonce),
      ownSeen: (head) => {
        const verdict = this.#lives.seen(head)
        if (verdict === 'duplicate') this.#stopAsDuplicate()
        else if (verdict === 'answer') this.#announcer.change()
      },
    })
    this.#hellos = new Hellos({ ports, network, credentials }, this.#timing, {
      greeting: (peer) => this.#greeting(peer),
      aliveElsewhere: (peer, hello) => aliveElsewhere(this.#exchange, network, peer, hello),
      provesRival: (nonce, alive) => this.#lives.isProof(ports.crypto, this.self, nonce, alive),
      admitted: (peer, hello) => this.#admitted(peer, hello),
      refused: (peer, error, by) => this.#refused(peer, error, by),
    })
    const tried = (unreachable: number): void => this.#joining.tried(unreachable)
    this.#connector = new Connector({ ports, network, map: this.#map, relays: this.relays, tried }, this.#timing, {
      addresses,
      dialBeyond,
    })
  }

  start({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#starting ??= this.#start(signal)
    return this.#starting
  }

  async stop({ by = this.#ports.clock.monotonic() + STOP_MS }: StopOptions = {}): Promise<void> {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#unlisten?.()
    this.#upkeep.stop()
    this.#connector.stop()
    this.#hellos.stop()
    this.#joining.stop()
    // Each takes half of what is left at most, so that one neighbour's silence does not cost the others the farewell.
    const half = (): number => (by - this.#ports.clock.monotonic()) / 2
    await this.#exchange.settled(Math.min(this.#timing.hello, half()))
    this.#announcer.stop()
    // Once more: a farewell that is lost with its link leaves this context present, and unconfirmed, for 30 s.
    await this.#exchange.settled(Math.min(this.#timing.grace, half()))
    await this.#exchange.stop(by)
    await this.#store.save()
  }

  get present(): readonly ContextId[] {
    return this.#view.present
  }

  incarnationOf(context: ContextId): Uint8Array | undefined {
    return context === this.self ? this.incarnation : this.#view.incarnationOf(context)
  }

  contextOfAgent(agent: AgentId): ContextId | undefined {
    return this.#view.contextOfAgent(agent)
  }

  membershipOf(context: ContextId): Uint8Array | undefined {
    return context === this.self ? this.#credentials.own : this.#view.membershipOf(context)
  }

  get isConverged(): boolean {
    return this.#exchange.isConverged
  }

  get unconfirmed(): readonly ContextId[] {
    return this.#announcer.unconfirmed
  }

  audienceOf(topic: string): readonly ContextId[] | undefined {
    if (this.#view.isStale || !this.#wasConverged || this.#map.isLarge) return undefined
    return this.#view.listenersOf(topic)
  }

  listenersOf(topic: string): readonly ContextId[] {
    return this.#view.listenersOf(topic)
  }

  offersOf(capability: string): { offers: readonly LocatedOffer[]; complete: boolean } {
    return { offers: this.#view.offersOf(capability), complete: this.#wasConverged && !this.#view.isStale }
  }

  get relays(): ShardRelays {
    return this.#view.relays
  }

  neighboursIn(shard: number): number {
    return this.#connector.neighboursIn(shard)
  }

  seekRelays(shard: number): void {
    this.#connector.seekRelays(shard)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  holdLinks(isUsed: (context: ContextId) => boolean): void {
    this.#connector.hold(isUsed)
  }

  announcePatterns(patterns: readonly string[]): Promise<void> {
    return this.#announcer.patterns(patterns)
  }

  announceOffers(offers: readonly Offer[]): Promise<void> {
    return this.#announcer.offers(offers)
  }

  async #start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.#own.begin(await this.#store.load())
    this.#isRunning = true
    this.#unlisten = this.#network.onPeer({ disconnected: (peer) => this.#exchange.disconnected(peer) })
    this.#announcer.start()
    this.#hellos.start()
    this.#joining.expect(this.#connector.start())
    this.#upkeep.start()
    await this.#joining.wait(signal)
    await this.#announcer.confirmed()
    await this.#store.save()
  }

  #publish(entry: StateEntry): void {
    this.#store.noteOwn(entry.head.version)
    this.#map.apply(entry, this.#ports.clock.monotonic())
    this.#exchange.spread(this.self)
    this.#changed()
  }

  #renew(): void {
    this.#announcer.renew()
    this.#exchange.exchangeDigests()
    this.#connector.upkeep()
    this.#save()
  }

  #expire(): void {
    const gone = this.#map.expire(this.#ports.clock.monotonic())
    this.#ports.counters.add('membership.entry.expired', gone.length)
    this.#exchange.forget(gone)
    this.#announcer.acknowledgements.forget(gone)
    this.#addressBook.forget(gone)
    this.#changed()
  }

  #save(): void {
    this.#store.save().catch((error: unknown) => {
      this.#ports.counters.add('membership.store.failed')
      this.#ports.logger.warn({ error: String(error) }, 'membership state was not saved')
    })
  }

  #required(): readonly ContextId[] {
    return this.#map.isLarge ? this.#exchange.neighbours : this.present
  }

  /** Brings everything that is derived from the map and the links up to date, and tells who listens. */
  #changed(): void {
    const changed = this.#map.takeChanged()
    const hasChanged = this.#view.refresh(changed, this.#ports.clock.monotonic())
    for (const context of changed) this.#note(context)
    this.#wasConverged = this.#exchange.isConverged
    this.#announcer.acknowledgements.settle()
    if (this.#exchange.isSynced) this.#joining.joined()
    if (hasChanged) this.#connector.review()
    for (const listener of [...this.#listeners]) listener()
  }

  /** For hello after a restart, and so that the broker can link to any member. */
  #note(context: ContextId): void {
    const entry = this.#map.live(context)
    if (entry === undefined || context === this.self) return
    this.#store.note(context, entry.head.incarnation, entry.head.version)
    this.#addressBook.note(entry)
  }

  #greeting(peer: ContextId): Pick<Hello, 'incarnation' | 'seen' | 'members' | 'addresses' | 'summary'> {
    return {
      incarnation: hexOf(this.incarnation),
      seen: this.#store.seenOf(peer) ?? null,
      members: this.#map.memberDigest,
      addresses: this.#addresses.list,
      summary: this.#own.bodyDigest,
    }
  }

  #admitted(peer: ContextId, hello: Hello): void {
    if (hello.seen !== null && this.#lives.remembered(hello.seen, this.#ports.clock.now())) this.#announcer.change()
    this.#connector.admitted(peer)
    this.#exchange.admitted(peer, hello)
  }

  #refused(peer: ContextId, error: AmcpError, by: 'them' | 'us'): void {
    this.#connector.refused(peer)
    if (by === 'them' && error.code === 'ERR_DUPLICATE_IDENTITY') this.#stopAsDuplicate()
    else this.#joining.refused(peer, error)
  }

  #stopAsDuplicate(): void {
    if (this.#isDuplicate) return
    this.#isDuplicate = true
    const error = duplicateIdentity(this.self)
    this.#ports.counters.add('membership.duplicate-identity')
    this.#joining.fail(error)
    this.#fault(error)
  }
}
