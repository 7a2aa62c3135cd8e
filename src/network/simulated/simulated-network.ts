import type { Counters } from '../../core/counters.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Network, PeerListener } from '../network.ts'
import type { Environment } from './conditions.ts'
import { SimulatedGossip } from './gossip.ts'
import type { GossipMessage } from './gossip-message.ts'
import type { LinkEnd, LinkOwner, StreamHalf } from './link-end.ts'
import { type RecordTable, SimulatedRecords } from './records.ts'
import { SimulatedStreams } from './streams.ts'

/** What a network asks of the swarm it lives in. */
export interface Surroundings {
  readonly environment: Environment
  readonly table: RecordTable
  readonly counters: Counters
  /** ERR_ADDRESS_IN_USE. */
  started(network: SimulatedNetwork): void
  stopped(network: SimulatedNetwork): void
  /** ERR_DIAL_FAILED. */
  dial(from: SimulatedNetwork, address: string, signal: AbortSignal | undefined): Promise<LinkEnd>
}

type Life = 'new' | 'running' | 'stopped' | 'crashed'

/** One context's place in a simulated swarm. After a crash nothing reaches it and none of its promises settle. */
export class SimulatedNetwork implements Network, LinkOwner {
  readonly id: ContextId
  readonly address: string
  readonly gossip: SimulatedGossip
  readonly streams: SimulatedStreams
  readonly records: SimulatedRecords
  readonly #surroundings: Surroundings
  readonly #bootstrap: readonly string[]
  readonly #links = new Map<ContextId, LinkEnd>()
  readonly #addresses = new Map<ContextId, Set<string>>()
  readonly #listeners = new Set<PeerListener>()
  #life: Life = 'new'

  constructor(id: ContextId, address: string, surroundings: Surroundings, bootstrap: readonly string[]) {
    const { environment, table, counters } = surroundings
    this.id = id
    this.address = address
    this.#surroundings = surroundings
    this.#bootstrap = bootstrap
    this.gossip = new SimulatedGossip(environment, counters)
    this.streams = new SimulatedStreams({ environment, counters, linkTo: (peer) => this.linkTo(peer) })
    this.records = new SimulatedRecords(environment, table, this)
  }

  get isRunning(): boolean {
    return this.#life === 'running'
  }

  get hasAdmitted(): boolean {
    for (const end of this.#links.values()) if (end.isOpen) return true
    return false
  }

  get addresses(): readonly string[] {
    return this.isRunning ? [this.address] : []
  }

  get peers(): readonly ContextId[] {
    return [...this.#links.keys()]
  }

  /** ERR_ADDRESS_IN_USE, ERR_STOPPED. */
  async start({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#life === 'running') return
    if (this.#life !== 'new') throw new AmcpError('ERR_STOPPED', 'a network starts once')
    this.#surroundings.started(this)
    this.#life = 'running'
    for (const address of this.#bootstrap) {
      const peer = peerOf(address)
      this.remember(peer, [address])
      for (const listener of this.#listeners) listener.discovered?.(peer, [address])
    }
  }

  async stop(): Promise<void> {
    if (this.#life === 'crashed') return never()
    if (this.#life === 'running') {
      for (const end of [...this.#links.values()]) end.close()
      this.#surroundings.stopped(this)
    }
    this.#life = 'stopped'
  }

  /** Called by the swarm. @param noticedAfter ms until the others notice, undefined for not by themselves */
  crash(noticedAfter: number | undefined): void {
    this.#life = 'crashed'
    this.#surroundings.stopped(this)
    for (const end of this.#links.values()) end.vanish(noticedAfter)
    this.#links.clear()
    this.#listeners.clear()
  }

  async dial(address: string, { signal }: { signal?: AbortSignal } = {}): Promise<ContextId> {
    signal?.throwIfAborted()
    if (this.#life === 'crashed') return never()
    if (!this.isRunning) throw new AmcpError('ERR_DIAL_FAILED', 'the network is not running')
    const end = await this.#surroundings.dial(this, address, signal)
    this.remember(end.peer, [address])
    return end.peer
  }

  remember(peer: ContextId, addresses: readonly string[]): void {
    const known = this.#addresses.get(peer) ?? new Set()
    for (const address of addresses) known.add(address)
    this.#addresses.set(peer, known)
  }

  async connect(peer: ContextId, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.isConnected(peer)) return
    const addresses = this.addressesOf(peer)
    if (addresses.length === 0)
      throw new AmcpError('ERR_NOT_CONNECTED', `no address of ${peer} is known`, { retryable: true })
    const failures: unknown[] = []
    for (const address of addresses) {
      try {
        await this.dial(address, { ...(signal === undefined ? {} : { signal }) })
        return
      } catch (failure) {
        signal?.throwIfAborted()
        failures.push(failure)
      }
    }
    throw new AmcpError('ERR_DIAL_FAILED', `${peer} answers at none of ${addresses.length} addresses`, {
      cause: failures.length === 1 ? failures[0] : new AggregateError(failures),
      retryable: true,
    })
  }

  async disconnect(peer: ContextId): Promise<void> {
    this.#links.get(peer)?.close()
  }

  isConnected(peer: ContextId): boolean {
    return this.#links.has(peer)
  }

  addressesOf(peer: ContextId): readonly string[] {
    return [...(this.#addresses.get(peer) ?? [])]
  }

  admit(peer: ContextId): void {
    const end = this.#links.get(peer)
    if (end === undefined || end.isAdmitted) return
    end.admit()
    for (const listener of [...this.#listeners]) listener.admitted?.(peer)
  }

  isAdmitted(peer: ContextId): boolean {
    return this.#links.get(peer)?.isAdmitted ?? false
  }

  onPeer(listener: PeerListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  linkTo(peer: ContextId): LinkEnd | undefined {
    return this.#links.get(peer)
  }

  linkUp(end: LinkEnd): void {
    // Another process with the same key answered: the newer link is the one that counts.
    this.#links.get(end.peer)?.close()
    this.#links.set(end.peer, end)
    for (const listener of [...this.#listeners]) listener.connected?.(end.peer)
  }

  linkDown(end: LinkEnd): void {
    if (this.#links.get(end.peer) !== end) return
    this.#links.delete(end.peer)
    this.gossip.leave(end)
    for (const listener of [...this.#listeners]) listener.disconnected?.(end.peer)
  }

  linkOpened(end: LinkEnd): void {
    this.gossip.join(end)
  }

  takeGossip(end: LinkEnd, message: GossipMessage): void {
    this.gossip.take(end, message)
  }

  answerStream(end: LinkEnd, protocol: string, opener: StreamHalf, answered: (isServed: boolean) => void): void {
    this.streams.answer(end, protocol, opener, answered)
  }
}

/** The context id at the end of an address. TypeError without one. */
export function peerOf(address: string): ContextId {
  const [, peer] = /\/p2p\/([^/]+)$/.exec(address) ?? []
  if (peer === undefined) throw new TypeError(`no /p2p/ in address ${address}`)
  return peer
}

function never<T>(): Promise<T> {
  return new Promise(() => {})
}
