import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import type { Clock } from '../../core/clock.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { PeerListener } from '../network.ts'
import { deadline } from './deadline.ts'

/** Peers whose addresses are remembered; the one remembered longest ago goes first. */
const REMEMBERED_PEERS = 4_096
const ADDRESSES_PER_PEER = 16

export interface PeersOptions {
  readonly clock: Clock
  /** ms. */
  readonly dialTimeout: number
  /** Told before the listeners that the peer's last link has closed. */
  onGone(peer: ContextId): void
}

/** Who is linked, where peers can be dialled, and the telling of both. A peer counts once, however many connections it has. */
export class Peers {
  readonly #options: PeersOptions
  readonly #listeners = new Set<PeerListener>()
  readonly #links = new Map<ContextId, Set<Connection>>()
  readonly #addresses = new Map<ContextId, Set<string>>()
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
      this.remember(peerId.toString(), listenAddrs.map(String)),
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
    return [...(this.#addresses.get(peer) ?? [])]
  }

  /** The latest addresses come first. Throws TypeError for what is no multiaddr. */
  remember(peer: ContextId, addresses: readonly string[]): void {
    const checked = addresses.map((address) => withPeer(parsed(address), peer))
    const known = [...new Set([...checked, ...this.addressesOf(peer)])].slice(0, ADDRESSES_PER_PEER)
    this.#addresses.delete(peer)
    this.#addresses.set(peer, new Set(known))
    if (this.#addresses.size > REMEMBERED_PEERS) this.#addresses.delete(this.#addresses.keys().next().value!)
  }

  onPeer(listener: PeerListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
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

  async #dial(to: Multiaddr[], name: string, signal: AbortSignal | undefined): Promise<Connection> {
    signal?.throwIfAborted()
    if (this.#node === undefined) throw new AmcpError('ERR_STOPPED', 'the network is not started')
    const { clock, dialTimeout } = this.#options
    const limit = deadline(clock, dialTimeout, signal)
    try {
      return await this.#node.dial(to, { signal: limit.signal })
    } catch (cause) {
      signal?.throwIfAborted()
      throw new AmcpError('ERR_DIAL_FAILED', `nobody answers at ${name}`, { cause, retryable: true })
    } finally {
      limit.clear()
    }
  }

  #opened(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const links = this.#links.get(peer)
    if (links !== undefined) {
      links.add(connection)
      return
    }
    this.#links.set(peer, new Set([connection]))
    if (connection.direction === 'outbound') this.remember(peer, [connection.remoteAddr.toString()])
    for (const listener of this.#listeners) listener.connected?.(peer)
  }

  #closed(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const links = this.#links.get(peer)
    if (links?.delete(connection) && links.size === 0) this.#lost(peer)
  }

  #lost(peer: ContextId): void {
    this.#links.delete(peer)
    this.#options.onGone(peer)
    for (const listener of this.#listeners) listener.disconnected?.(peer)
  }
}

export function parsed(address: string): Multiaddr {
  try {
    return multiaddr(address)
  } catch (cause) {
    throw new TypeError(`not a multiaddr: ${address}`, { cause })
  }
}

function withPeer(address: Multiaddr, peer: ContextId): string {
  const text = address.toString()
  return text.includes('/p2p/') ? text : `${text}/p2p/${peer}`
}
