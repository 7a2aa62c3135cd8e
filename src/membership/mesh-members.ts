import type { Timer } from '../core/clock.ts'
import type { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import { drawIncarnation } from '../core/incarnation.ts'
import type { Ports } from '../core/ports.ts'
import type { Store } from '../core/store.ts'
import { summarise } from '../events/pattern-summary.ts'
import type { Network } from '../network/network.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { AgentOrigins } from './agent-origins.ts'
import { Connector } from './connector.ts'
import { duplicateIdentity, LivesOfSelf } from './duplicate-identity.ts'
import { Hellos } from './hello.ts'
import type { Hello } from './hello-message.ts'
import { Interest } from './interest.ts'
import { Joining } from './joining.ts'
import type { MemberCredentials } from './member-credentials.ts'
import { MemberStore } from './member-store.ts'
import type { LocatedOffer, Members, Offer } from './members.ts'
import { OfferIndex } from './offer-index.ts'
import { OwnEntry } from './own-entry.ts'
import { bytesOfHex, hexOf } from './state-entry.ts'
import { ACKNOWLEDGING_MEMBERS, StateExchange } from './state-exchange.ts'
import { StateMap } from './state-map.ts'
import type { MembershipTiming } from './timing.ts'
import { defaultTiming } from './timing.ts'

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
  readonly self: ContextId
  readonly incarnation: Uint8Array
  readonly #ports: Ports
  readonly #network: Network
  readonly #credentials: MemberCredentials
  readonly #timing: MembershipTiming
  readonly #fault: (error: AmcpError) => void
  readonly #map: StateMap
  readonly #own: OwnEntry
  readonly #lives: LivesOfSelf
  readonly #store: MemberStore
  readonly #hellos: Hellos
  readonly #exchange: StateExchange
  readonly #connector: Connector
  readonly #interest: Interest
  readonly #offers: OfferIndex
  readonly #origins: AgentOrigins
  readonly #acks: Acknowledgements
  readonly #joining: Joining
  readonly #listeners = new Set<() => void>()
  #present: readonly ContextId[] = []
  #members: readonly ContextId[] | undefined
  #wasConverged = true
  /** Entries that were renewed too long ago to speak for their owners. */
  #isStale = false
  /** The version that brought the latest change of the own entry. */
  #changedAt = 0
  #announcing: Promise<void> | undefined
  #patterns: readonly string[] = []
  #ownOffers: readonly Offer[] = []
  #unlisten: (() => void) | undefined
  #renewal: Timer | undefined
  #retry: Timer | undefined
  #retries = 0
  #starting: Promise<void> | undefined
  #isRunning = false

  constructor(components: MeshMembersComponents, options: MeshMembersOptions) {
    const { ports, network, store, credentials } = components
    const { addresses = [], dialBeyond = true, timing = {}, fault = () => undefined } = options
    this.self = network.id
    this.incarnation = drawIncarnation(ports.random)
    this.#ports = ports
    this.#network = network
    this.#credentials = credentials
    this.#timing = { ...defaultTiming, ...timing }
    this.#fault = fault
    const incarnation = hexOf(this.incarnation)
    this.#map = new StateMap(ports.crypto, this.self, 3 * this.#timing.period)
    this.#own = new OwnEntry(ports, credentials, this.self, incarnation)
    this.#lives = new LivesOfSelf(this.#own, incarnation)
    this.#store = new MemberStore(store)
    this.#interest = new Interest(this.#map)
    this.#offers = new OfferIndex(this.#map)
    this.#origins = new AgentOrigins(credentials)
    this.#origins.add(this.self)
    this.#acks = new Acknowledgements(ports.clock, this.#timing.acknowledge, () => this.#required())
    this.#joining = new Joining(ports.clock, this.#timing.acknowledge)
    this.#exchange = new StateExchange({ ports, network, credentials, map: this.#map }, this.#timing, {
      changed: () => this.#changed(),
      acknowledged: (by, version) => this.#acks.acknowledged(by, version),
      ownSeen: (head) => {
        const verdict = this.#lives.seen(head)
        if (verdict === 'duplicate') this.#stopAsDuplicate()
        else if (verdict === 'answer') this.#issue(true)
      },
    })
    this.#hellos = new Hellos({ ports, network, credentials }, this.#timing, {
      greeting: (peer) => this.#greeting(peer),
      isAliveElsewhere: (peer, hello) => this.#isAliveElsewhere(peer, hello),
      admitted: (peer, hello) => this.#admitted(peer, hello),
      refused: (peer, error, by) => this.#refused(peer, error, by),
    })
    this.#connector = new Connector({ ports, network, map: this.#map }, this.#timing, { addresses, dialBeyond })
    this.#connector.onTried = () => this.#joining.tried(this.#connector.unreachable)
  }

  start({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#starting ??= this.#start(signal)
    return this.#starting
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#unlisten?.()
    this.#renewal?.cancel()
    this.#retry?.cancel()
    this.#connector.stop()
    this.#hellos.stop()
    this.#acks.stop()
    this.#joining.stop()
    this.#publish({ left: true })
    await this.#exchange.stop()
    await this.#store.save()
  }

  get present(): readonly ContextId[] {
    return this.#present
  }

  incarnationOf(context: ContextId): Uint8Array | undefined {
    if (context === this.self) return this.incarnation
    const entry = this.#map.live(context)
    return entry === undefined ? undefined : bytesOfHex(entry.head.incarnation)
  }

  contextOfAgent(agent: AgentId): ContextId | undefined {
    return this.#origins.contextOf(agent)
  }

  membershipOf(context: ContextId): Uint8Array | undefined {
    return context === this.self ? this.#credentials.own : this.#map.live(context)?.membership
  }

  get isConverged(): boolean {
    return this.#exchange.isConverged
  }

  get unconfirmed(): readonly ContextId[] {
    return this.#acks.missing(this.#changedAt)
  }

  audienceOf(topic: string): readonly ContextId[] | undefined {
    if (this.#isStale || !this.#wasConverged || this.#present.length >= ACKNOWLEDGING_MEMBERS) return undefined
    return this.#interest.audienceOf(topic, this.self)
  }

  offersOf(capability: string): { offers: readonly LocatedOffer[]; complete: boolean } {
    return { offers: this.#offers.of(capability), complete: this.#wasConverged && !this.#isStale }
  }

  get shards(): ReadonlySet<number> {
    return this.#interest.shards
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  announcePatterns(patterns: readonly string[]): Promise<void> {
    this.#patterns = patterns
    return this.#announce()
  }

  announceOffers(offers: readonly Offer[]): Promise<void> {
    this.#ownOffers = offers
    return this.#announce()
  }

  async #start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.#own.begin(await this.#store.load())
    this.#isRunning = true
    this.#unlisten = this.#network.onPeer({ disconnected: (peer) => this.#exchange.disconnected(peer) })
    this.#changeOwn()
    this.#issue(true)
    this.#hellos.start()
    this.#joining.expect(this.#connector.start())
    this.#renewLater()
    await this.#joining.wait(signal)
    await this.#acks.wait(this.#changedAt)
    await this.#store.save()
  }

  /** One announcement a turn, however many subscriptions it brings. */
  #announce(): Promise<void> {
    this.#announcing ??= new Promise((resolve, reject) => {
      this.#ports.clock.endOfTurn(() => {
        this.#announcing = undefined
        try {
          if (this.#isRunning && this.#changeOwn()) this.#issue(true)
          this.#acks.wait(this.#changedAt).then(resolve, reject)
        } catch (error) {
          reject(error)
        }
      })
    })
    return this.#announcing
  }

  #changeOwn(): boolean {
    const patterns = summarise(this.#patterns)
    return this.#own.change({ patterns, offers: this.#ownOffers, addresses: this.#network.addresses })
  }

  /** @param isChange whether members must know: they are asked to acknowledge, now and until they have */
  #issue(isChange: boolean): void {
    const unconfirmed = isChange || this.unconfirmed.length > 0
    this.#publish({ acknowledge: unconfirmed })
    if (isChange) {
      this.#changedAt = this.#own.version
      this.#retries = 0
      this.#retryLater()
    }
  }

  #publish(flags: { acknowledge?: boolean; left?: boolean }): void {
    const entry = this.#own.issue(flags)
    this.#store.noteOwn(entry.head.version)
    this.#map.apply(entry, this.#ports.clock.monotonic())
    this.#exchange.spread(this.self)
    this.#changed()
  }

  /** An acknowledgement can get lost with a link: those that are missing are asked again, less and less often. */
  #retryLater(): void {
    this.#retry?.cancel()
    const wait = Math.min(this.#timing.period, this.#timing.acknowledge * 2 ** this.#retries)
    this.#retry = this.#ports.clock.after(wait, () => {
      if (this.unconfirmed.length === 0) return
      this.#retries += 1
      this.#ports.counters.add('membership.announcement.repeated')
      this.#issue(false)
      this.#retryLater()
    })
  }

  #renewLater(): void {
    const wait = this.#timing.period * (1 - this.#ports.random.float() / 10)
    this.#renewal = this.#ports.clock.after(wait, () => {
      this.#expire()
      if (this.#changeOwn()) this.#issue(true)
      else this.#issue(false)
      this.#exchange.exchangeDigests()
      this.#connector.review()
      this.#save()
      this.#renewLater()
    })
  }

  #expire(): void {
    const now = this.#ports.clock.monotonic()
    const gone = this.#map.expire(now)
    if (gone.length > 0) {
      this.#ports.counters.add('membership.entry.expired', gone.length)
      this.#exchange.forget(gone)
      this.#acks.forget(gone)
    }
    this.#isStale = true
    this.#changed()
  }

  #save(): void {
    this.#store.save().catch((error: unknown) => {
      this.#ports.counters.add('membership.store.failed')
      this.#ports.logger.warn({ error: String(error) }, 'membership state was not saved')
    })
  }

  #required(): readonly ContextId[] {
    return this.#present.length < ACKNOWLEDGING_MEMBERS ? this.#present : this.#exchange.neighbours
  }

  /** Brings everything that is derived from the map and the links up to date, and tells who listens. */
  #changed(): void {
    const { members } = this.#map
    const hasMembers = members !== this.#members
    if (hasMembers) {
      this.#members = members
      this.#present = members.filter((context) => context !== this.self)
      for (const context of members) this.#origins.add(context)
    }
    for (const context of this.#present) this.#noteSeen(context)
    this.#interest.refresh()
    this.#offers.invalidate()
    if (this.#isStale) this.#isStale = this.#overdue()
    this.#wasConverged = this.#exchange.isConverged
    this.#acks.settle()
    if (this.#exchange.isSynced) this.#joining.joined()
    if (hasMembers) this.#connector.review()
    for (const listener of this.#listeners) listener()
  }

  #overdue(): boolean {
    const now = this.#ports.clock.monotonic()
    return this.#present.some((context) => now - this.#map.issuedAt(context) > 2 * this.#timing.period)
  }

  #noteSeen(context: ContextId): void {
    const entry = this.#map.get(context)
    if (entry !== undefined) this.#store.note(context, entry.head.incarnation, entry.head.version)
  }

  #greeting(peer: ContextId): Pick<Hello, 'incarnation' | 'seen' | 'members' | 'addresses' | 'summary'> {
    return {
      incarnation: hexOf(this.incarnation),
      seen: this.#store.seenOf(peer) ?? null,
      members: this.#map.memberDigest,
      addresses: this.#network.addresses,
      summary: this.#own.bodyDigest,
    }
  }

  /** Only an older life that is linked to us can be asked; one that is elsewhere answers through the map. */
  async #isAliveElsewhere(peer: ContextId, hello: Hello): Promise<boolean> {
    const linked = this.#exchange.incarnationOf(peer)
    if (linked === undefined || linked === hello.incarnation) return false
    return this.#exchange.challenge(peer, hello.nonce)
  }

  #admitted(peer: ContextId, { incarnation, seen }: Hello): void {
    if (seen !== null && this.#lives.remembered(seen)) this.#issue(true)
    this.#connector.admitted(peer)
    this.#exchange.admitted(peer, incarnation)
  }

  #refused(peer: ContextId, error: AmcpError, by: 'them' | 'us'): void {
    this.#connector.refused(peer)
    if (by === 'them' && error.code === 'ERR_DUPLICATE_IDENTITY') this.#stopAsDuplicate()
    else this.#joining.refused(peer, error)
  }

  #stopAsDuplicate(): void {
    const error = duplicateIdentity(this.self)
    this.#ports.counters.add('membership.duplicate-identity')
    this.#joining.fail(error)
    this.#fault(error)
  }
}
