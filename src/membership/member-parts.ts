import type { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import { drawIncarnation } from '../core/incarnation.ts'
import type { Ports } from '../core/ports.ts'
import type { Store } from '../core/store.ts'
import { DEFAULT_SHARD_COUNT } from '../events/shard.ts'
import type { Network } from '../network/network.ts'
import { AddressBook } from './address-book.ts'
import { Announcer, type AnnouncerLinks } from './announcer.ts'
import { Connector } from './connector.ts'
import { aliveElsewhere, duplicateIdentity, LivesOfSelf } from './duplicate-identity.ts'
import { type HelloEvents, Hellos } from './hello.ts'
import type { Hello } from './hello-message.ts'
import { Joining } from './joining.ts'
import type { MemberCredentials } from './member-credentials.ts'
import { MemberStore } from './member-store.ts'
import { MemberView } from './member-view.ts'
import { OwnAddresses } from './own-addresses.ts'
import { OwnEntry } from './own-entry.ts'
import { signLife } from './sign-of-life.ts'
import type { StateEntry, StateHead } from './state-entry.ts'
import { hexOf } from './state-entry.ts'
import { StateExchange, type StateExchangeEvents } from './state-exchange.ts'
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
  /** How many shards the mesh has, from its description. @default 64 */
  shards?: number
  /** @default defaultTiming */
  timing?: Partial<MembershipTiming>
  /** ERR_DUPLICATE_IDENTITY: another process lives under this key, and this one is the later and must stop. */
  fault?: (error: AmcpError) => void
}

/**
 * The parts of a member, and what each asks of the others: a method for each part that asks. Nothing is asked before
 * `start`, when all parts are there.
 */
export class MemberParts {
  readonly incarnation: Uint8Array
  readonly timing: MembershipTiming
  readonly map: StateMap
  readonly own: OwnEntry
  readonly view: MemberView
  readonly store: MemberStore
  readonly addressBook: AddressBook
  readonly announcer: Announcer
  readonly joining: Joining
  readonly exchange: StateExchange
  readonly hellos: Hellos
  readonly connector: Connector
  readonly #ports: Ports
  readonly #network: Network
  readonly #credentials: MemberCredentials
  readonly #fault: (error: AmcpError) => void
  readonly #lives: LivesOfSelf
  readonly #addresses: OwnAddresses
  readonly #listeners = new Set<() => void>()
  #wasConverged = true
  #isDuplicate = false

  constructor({ ports, network, store, credentials }: MeshMembersComponents, options: MeshMembersOptions) {
    const { addresses = [], dialBeyond = true, shards = DEFAULT_SHARD_COUNT, timing, fault = () => undefined } = options
    this.#ports = ports
    this.#network = network
    this.#credentials = credentials
    this.#fault = fault
    this.incarnation = drawIncarnation(ports.random)
    this.timing = { ...defaultTiming, ...timing }
    const self = network.id
    const { period } = this.timing

    // What is known and said.
    const map = new StateMap(ports.crypto, self, 3 * period)
    this.map = map
    this.own = new OwnEntry(ports, credentials, self, this.#incarnationHex)
    this.view = new MemberView({ crypto: ports.crypto, map, credentials }, { self, period, shards, dialBeyond })
    this.store = new MemberStore(store)
    this.addressBook = new AddressBook(network)
    this.#lives = new LivesOfSelf(this.own, this.#incarnationHex)
    this.#addresses = new OwnAddresses(network, ports.counters)

    // What talks to others.
    this.announcer = new Announcer({ ports, own: this.own }, this.timing, this.#forAnnouncer())
    this.exchange = new StateExchange({ ports, network, credentials, map }, this.timing, this.#forExchange())
    this.hellos = new Hellos({ ports, network, credentials }, this.timing, this.#forHellos())
    this.joining = new Joining(ports.clock, this.timing, (peer) => this.connector.isInvited(peer))
    const tried = (unreachable: number): void => this.joining.tried(unreachable)
    const components = { ports, network, map, relays: this.view.relays, tried }
    this.connector = new Connector(components, this.timing, { addresses, dialBeyond })
  }

  /** Whether the mesh had converged when something changed last: asked for each event and call. */
  get wasConverged(): boolean {
    return this.#wasConverged
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Brings everything that is derived from the map and the links up to date, and tells who listens. */
  changed(): void {
    const changed = this.map.takeChanged()
    const hasChanged = this.view.refresh(changed, this.#ports.clock.monotonic())
    for (const context of changed) this.#note(context)
    this.#wasConverged = this.exchange.isConverged
    this.announcer.acknowledgements.settle()
    if (this.exchange.isSynced) this.joining.joined()
    if (hasChanged) this.connector.review()
    for (const listener of [...this.#listeners]) listener()
  }

  get #incarnationHex(): string {
    return hexOf(this.incarnation)
  }

  #forAnnouncer(): AnnouncerLinks {
    return {
      required: () => (this.map.isLarge ? this.exchange.neighbours : this.view.present),
      addresses: () => this.#addresses.list,
      publish: (entry) => this.#publish(entry),
    }
  }

  #forExchange(): StateExchangeEvents {
    const sign = (message: Uint8Array): Uint8Array => this.#credentials.sign(message)
    return {
      changed: () => this.changed(),
      acknowledged: (by, version) => this.announcer.acknowledgements.acknowledged(by, version),
      signLife: (nonce) => signLife(sign, this.#network.id, this.#incarnationHex, nonce),
      ownSeen: (head) => this.#ownSeen(head),
    }
  }

  #forHellos(): HelloEvents {
    return {
      greeting: (peer) => this.#greeting(peer),
      aliveElsewhere: (peer, hello) => aliveElsewhere(this.exchange, this.#network, peer, hello),
      provesRival: (nonce, alive) => this.#lives.isProof(this.#ports.crypto, this.#network.id, nonce, alive),
      admitted: (peer, hello) => this.#admitted(peer, hello),
      refused: (peer, error, by) => this.#refused(peer, error, by),
    }
  }

  #publish(entry: StateEntry): void {
    this.store.noteOwn(entry.head.version)
    this.map.apply(entry, this.#ports.clock.monotonic())
    this.exchange.spread(entry.head.context)
    this.changed()
  }

  /** For hello after a restart, and so that the broker can link to any member. */
  #note(context: ContextId): void {
    const entry = this.map.live(context)
    if (entry === undefined || context === this.#network.id) return
    this.store.note(context, entry.head.incarnation, entry.head.version)
    this.addressBook.note(entry)
  }

  #greeting(peer: ContextId): ReturnType<HelloEvents['greeting']> {
    return {
      incarnation: this.#incarnationHex,
      seen: this.store.seenOf(peer) ?? null,
      members: this.map.memberDigest,
      addresses: this.#addresses.list,
      summary: this.own.bodyDigest,
    }
  }

  #admitted(peer: ContextId, hello: Hello): void {
    if (hello.seen !== null && this.#lives.remembered(hello.seen, this.#ports.clock.now())) this.announcer.change()
    this.connector.admitted(peer)
    this.exchange.admitted(peer, hello)
  }

  #refused(peer: ContextId, error: AmcpError, by: 'them' | 'us'): void {
    this.connector.refused(peer)
    if (by === 'them' && error.code === 'ERR_DUPLICATE_IDENTITY') this.#stopAsDuplicate()
    else this.joining.refused(peer, error)
  }

  #ownSeen(head: StateHead): void {
    const verdict = this.#lives.seen(head)
    if (verdict === 'duplicate') this.#stopAsDuplicate()
    else if (verdict === 'answer') this.announcer.change()
  }

  #stopAsDuplicate(): void {
    if (this.#isDuplicate) return
    this.#isDuplicate = true
    const error = duplicateIdentity(this.#network.id)
    this.#ports.counters.add('membership.duplicate-identity')
    this.joining.fail(error)
    this.#fault(error)
  }
}
