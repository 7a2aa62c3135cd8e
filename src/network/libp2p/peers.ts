import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import type { Clock } from '../../core/clock.ts'
import type { Counters } from '../../core/counters.ts'
import { deadline } from '../../core/deadline.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { PeerListener } from '../network.ts'

/** Peers whose addresses are remembered; the one remembered longest ago goes first. */
const REMEMBERED_PEERS = 4_096
const ADDRESSES_PER_PEER = 16
/**
 * Connections that one peer may have here. Two that dial each other at once make two, and one that lost its power comes back
 * before its old connection is found dead, so of too many the oldest goes.
 */
const STRANGER_CONNECTIONS = 2
const MEMBER_CONNECTIONS = 4
/** Characters. */
const LONGEST_ADDRESS = 512

export interface PeersOptions {
  readonly clock: Clock
  /** ms. */
  readonly dialTimeout: number
  readonly counters: Counters
  /** Connections of peers that are not admitted: beyond, the oldest of them goes, so that strangers leave room for those that will be. */
  readonly strangerLimit: number
  isAdmitted(peer: ContextId): boolean
  /** Told before the listeners that the peer's last link has closed. */
  onGone(peer: ContextId): void
}

/** Who is linked, where peers can be dialled, and the telling of both. A peer counts once, however many connections it has. */
export class Peers {
  readonly #options: PeersOptions
  readonly #listeners = new Set<PeerListener>()
  readonly #links = new Map<ContextId, Set<Connection>>()
  readonly #addresses = new Map<ContextId, Set<string>>()
  /** What linked peers say of themselves, admitted or not: gone with the link, so that strangers push nobody's out. */
  readonly #learnt = new Map<ContextId, readonly string[]>()
  #node: Libp2p | undefined

  constructor(options: PeersOptions) {
    this.#options = options
  }

  /** To be called before the node starts. */
  attach(node: Libp2p): void {
    this.#node = node
    node.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
    node.addEventListener('connection:close', ({ detail }) => this.#closed(detail))
    node.addEventListener('peer:identify', ({ detail: { peerId, listenAddrs } }) =>
      this.#learn(peerId.toString(), listenAddrs.map(String)),
    )
  }

  /** The node has stopped: links that have not said so are gone too. */
  detach(): void {
    this.#node = undefined
    for (const peer of [...this.#links.keys()]) this.#lost(peer)
  }

  get linked(): readonly ContextId[] {
    return [...this.#links.keys()]
  }

  isLinked(peer: ContextId): boolean {
    return this.#links.has(peer)
  }

  connectionOf(peer: ContextId): Connection | undefined {
    for (const connection of this.#links.get(peer) ?? []) if (connection.status === 'open') return connection
    return undefined
  }

  addressesOf(peer: ContextId): readonly string[] {
    const remembered = this.#addresses.get(peer) ?? []
    return [...new Set([...(this.#learnt.get(peer) ?? []), ...remembered])]
  }

  /** The latest addresses come first. They come from others, so what is none is counted and no fault of the caller's. */
  remember(peer: ContextId, addresses: readonly string[]): void {
    const all = new Set([...this.#checked(peer, addresses), ...(this.#addresses.get(peer) ?? [])])
    const known = [...all].slice(0, ADDRESSES_PER_PEER)
    this.#addresses.delete(peer)
    this.#addresses.set(peer, new Set(known))
    if (this.#addresses.size > REMEMBERED_PEERS) this.#addresses.delete(this.#addresses.keys().next().value!)
  }

  onPeer(listener: PeerListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  admitted(peer: ContextId): void {
    for (const listener of [...this.#listeners]) listener.admitted?.(peer)
  }

  discovered(id: PeerId, addresses: readonly Multiaddr[]): void {
    const peer = id.toString()
    this.remember(peer, addresses.map(String))
    if (this.isLinked(peer)) return
    for (const listener of this.#listeners) listener.discovered?.(peer, this.addressesOf(peer))
  }

  async dial(address: string, signal: AbortSignal | undefined): Promise<ContextId> {
    const connection = await this.#dial([parsed(address)], address, signal)
    return connection.remotePeer.toString()
  }

  async connect(peer: ContextId, signal: AbortSignal | undefined): Promise<void> {
    if (this.isLinked(peer)) return
    const addresses = this.addressesOf(peer)
    if (addresses.length === 0) throw new AmcpError('ERR_NOT_CONNECTED', `no address of ${peer} is known`)
    await this.#dial(
      addresses.map((address) => multiaddr(address)),
      peer,
      signal,
    )
  }

  async disconnect(peer: ContextId): Promise<void> {
    if (this.isLinked(peer)) await this.#node?.hangUp(peerIdFromString(peer))
  }

  #learn(peer: ContextId, addresses: readonly string[]): void {
    if (this.isLinked(peer)) this.#learnt.set(peer, this.#checked(peer, addresses).slice(0, ADDRESSES_PER_PEER))
  }

  #checked(peer: ContextId, addresses: readonly string[]): string[] {
    const checked = addresses.map((address) => addressOf(peer, address)).filter((address) => address !== undefined)
    this.#options.counters.add('network.address.refused', addresses.length - checked.length)
    return checked
  }

  async #dial(to: Multiaddr[], name: string, signal: AbortSignal | undefined): Promise<Connection> {
    signal?.throwIfAborted()
    if (this.#node === undefined) throw new AmcpError('ERR_STOPPED', 'the network is not started')
    const { clock, dialTimeout } = this.#options
    using limit = deadline(clock, dialTimeout, { signal })
    try {
      return await this.#node.dial(to, { signal: limit.signal })
    } catch (cause) {
      signal?.throwIfAborted()
      throw new AmcpError('ERR_DIAL_FAILED', `nobody answers at ${name}`, { cause, retryable: true })
    }
  }

  #opened(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const links = this.#links.get(peer)
    if (links === undefined) this.#links.set(peer, new Set([connection]))
    else this.#trim(peer, links.add(connection))
    if (connection.direction === 'inbound') this.#makeRoom()
    if (links !== undefined) return
    if (connection.direction === 'outbound') this.remember(peer, [connection.remoteAddr.toString()])
    for (const listener of this.#listeners) listener.connected?.(peer)
  }

  #closed(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const links = this.#links.get(peer)
    if (links?.delete(connection) && links.size === 0) this.#lost(peer)
  }

  /** libp2p counts connections, and has places for so many: whoever makes one after the other would take them all. */
  #trim(peer: ContextId, links: ReadonlySet<Connection>): void {
    const { isAdmitted, counters } = this.#options
    const open = openOf(links)
    const surplus = open.length - (isAdmitted(peer) ? MEMBER_CONNECTIONS : STRANGER_CONNECTIONS)
    if (surplus <= 0) return
    counters.add('network.connections.surplus', surplus)
    const reason = new AmcpError('ERR_PROTOCOL_REFUSED', 'the peer has too many connections')
    for (const connection of open.slice(0, surplus)) connection.abort(reason)
  }

  #makeRoom(): void {
    const { strangerLimit, isAdmitted, counters } = this.#options
    let strangers = 0
    let oldest: Connection[] = []
    for (const [peer, links] of this.#links) {
      if (isAdmitted(peer)) continue
      const open = openOf(links)
      strangers += open.length
      if (oldest.length === 0) oldest = open
    }
    if (strangers <= strangerLimit) return
    counters.add('network.strangers.dropped')
    const reason = new AmcpError('ERR_PROTOCOL_REFUSED', 'too many peers wait to be admitted')
    for (const connection of oldest) connection.abort(reason)
  }

  /** libp2p keeps what it has learnt of a peer for hours; of strangers, who may come under ever new names, it need not. */
  #forget(peer: ContextId): void {
    this.#learnt.delete(peer)
    if (this.#options.isAdmitted(peer) || this.#addresses.has(peer)) return
    this.#node?.peerStore
      .delete(peerIdFromString(peer))
      .catch(() => this.#options.counters.add('network.forget-failed'))
  }

  #lost(peer: ContextId): void {
    this.#links.delete(peer)
    this.#forget(peer)
    this.#options.onGone(peer)
    for (const listener of this.#listeners) listener.disconnected?.(peer)
  }
}

const openOf = (links: Iterable<Connection>): Connection[] => [...links].filter(({ status }) => status === 'open')

export function parsed(address: string): Multiaddr {
  try {
    return multiaddr(address)
  } catch (cause) {
    throw new TypeError(`not a multiaddr: ${address}`, { cause })
  }
}

/** The address with the peer's id at its end; undefined for what is none, or leads to somebody else. */
function addressOf(peer: ContextId, address: string): string | undefined {
  if (address.length > LONGEST_ADDRESS) return undefined
  let text: string
  try {
    text = multiaddr(address).toString()
  } catch {
    return undefined
  }
  if (text === '/') return undefined
  if (!text.includes('/p2p/')) return `${text}/p2p/${peer}`
  return text.endsWith(`/p2p/${peer}`) ? text : undefined
}
