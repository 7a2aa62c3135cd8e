import { AmcpError } from '../../core/errors.ts'
import { type ContextId, contextIdOf } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import type { Gossip, Network, PeerListener, Records, Streams } from '../network.ts'
import { AdmissionGate } from './admission-gate.ts'
import { createNode, type Node, type NodeOptions } from './create-node.ts'
import { Libp2pGossip } from './gossip.ts'
import { boundIntake } from './gossip-intake.ts'
import { boundOutbox } from './gossip-outbox.ts'
import { GossipWatchdog } from './gossip-watchdog.ts'
import { Peers, parsed } from './peers.ts'
import { lanNetwork, type NetworkPreset } from './preset.ts'
import { DhtRecords } from './records.ts'
import { RejectScores } from './scoring.ts'
import { StalledStreams } from './stalled-streams.ts'
import { Libp2pStreams } from './streams.ts'

export interface Libp2pNetworkOptions {
  readonly ports: Ports
  /** The 32-byte Ed25519 seed of the context's key, which its id is made of. */
  readonly seed: Uint8Array
  /** Keeps meshes on one network apart in mDNS and the DHT. */
  readonly meshId: string
  /**
   * Multiaddrs to listen at; with port 0 the system chooses. Found by mDNS means found by other machines, so that asks
   * for more than this machine's own address. @default ['/ip4/127.0.0.1/tcp/0'], with mdns ['/ip4/0.0.0.0/tcp/0']
   */
  readonly listen?: readonly string[]
  /**
   * Multiaddrs, without `/p2p/`, where others can dial this context besides those it listens at: what a router forwards
   * to it. They come first in what it says of itself. @default []
   */
  readonly announce?: readonly string[]
  /** Whether to find, and be found by, contexts of the mesh on the local network. @default false */
  readonly mdns?: boolean
  /**
   * Multiaddrs with `/p2p/` that are dialled, once, at the start: for whoever uses this network by itself. A context dials
   * through its members, which try again, and gives none here. @default []
   */
  readonly bootstrap?: readonly string[]
  /** Links above this number are pruned, the least useful first. @default 300 */
  readonly maxConnections?: number
  /**
   * Connections to here whose handshake is under way; beyond, the oldest of the host that has most goes. Lower than the
   * contexts that come back at once keeps some of them waiting.
   * @default 1_000
   */
  readonly maxPending?: number
  /** Whether a link to the peer may be made at all, from either end: for topologies other than a full mesh. @default all */
  readonly mayLink?: (peer: ContextId) => boolean
  /** Whether the peer may be dialled from here; an address without a `/p2p/` always may. @default all */
  readonly mayDial?: (peer: ContextId) => boolean
  /** @default lanNetwork */
  readonly preset?: NetworkPreset
}

/** The Network over libp2p: TCP, TLS or Noise, yamux, gossipsub, kad-dht, mDNS. */
export function libp2pNetwork({
  ports,
  seed,
  meshId,
  announce = [],
  mdns = false,
  listen = [mdns ? '/ip4/0.0.0.0/tcp/0' : '/ip4/127.0.0.1/tcp/0'],
  bootstrap = [],
  maxConnections = 300,
  maxPending = 1_000,
  mayLink = () => true,
  mayDial = () => true,
  preset = lanNetwork,
}: Libp2pNetworkOptions): Network {
  for (const address of bootstrap)
    if (!parsed(address).toString().includes('/p2p/')) throw new TypeError(`no /p2p/ in bootstrap address ${address}`)
  for (const address of listen) parsed(address)
  for (const address of announce)
    if (parsed(address).toString().includes('/p2p/')) throw new TypeError(`/p2p/ in the announced address ${address}`)
  const links = { maxConnections, maxPending, mayLink, mayDial }
  return new Libp2pNetwork({ ports, seed, meshId, listen, announce, mdns, bootstrap, preset, ...links })
}

class Libp2pNetwork implements Network {
  /** libp2p gives links that do not close half a second before it breaks them off. */
  readonly stopReserve = 1_000
  readonly id: ContextId
  readonly gossip: Gossip
  readonly streams: Streams
  readonly records: Records
  readonly #options: NodeOptions
  readonly #gate: AdmissionGate
  readonly #peers: Peers
  readonly #scores: RejectScores
  readonly #gossip: Libp2pGossip
  readonly #streams: Libp2pStreams
  readonly #records: DhtRecords
  readonly #watchdog: GossipWatchdog
  readonly #stalledStreams: StalledStreams
  #node: Node | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor(options: NodeOptions) {
    const { ports, seed, preset } = options
    this.#options = options
    this.id = contextIdOf(ports.crypto.signingKey(seed).publicKey)
    this.#peers = new Peers({
      clock: ports.clock,
      counters: ports.counters,
      dialTimeout: preset.dialTimeout,
      strangerLimit: Math.ceil(options.maxConnections / 2),
      isAdmitted: (peer) => this.#gate.isAdmitted(peer),
      onGone: (peer) => this.#gate.withdraw(peer),
    })
    const connectionOf = (peer: ContextId) => this.#peers.connectionOf(peer)
    this.#gate = new AdmissionGate(ports, (peer) => connectionOf(peer.toString()))
    this.#scores = new RejectScores(ports.clock)
    this.gossip = this.#gossip = new Libp2pGossip(ports, this.#scores)
    this.streams = this.#streams = new Libp2pStreams({
      ports,
      gate: this.#gate,
      connectionOf,
      openTimeout: preset.openTimeout,
    })
    this.records = this.#records = new DhtRecords(ports)
    this.#watchdog = new GossipWatchdog({
      ports,
      timeout: preset.gossipStreamTimeout,
      peers: () => this.#peers.linked.filter((peer) => this.#gate.isAdmitted(peer)),
      hasStream: (peer) => this.#gossip.hasStream(peer),
      reopen: (peer) => this.#gate.announce(peer),
      redial: (peer) => this.#redial(peer),
    })
    this.#stalledStreams = new StalledStreams({
      ports,
      streams: () => this.#gossip.outbound(),
      stalled: (peer) => this.#stalled(peer),
      passOver: (streams) => this.#gossip.passOver(streams),
    })
  }

  #stalled(peer: ContextId): void {
    this.#scores.stalled(peer)
    this.#peers.disconnect(peer).catch((error: unknown) => this.#failed('disconnect', peer, error))
  }

  get addresses(): readonly string[] {
    if (this.#node === undefined) return []
    this.#node.services.ownAddresses.confirm()
    // Others remember the first sixteen of an address list.
    const announced = this.#options.announce.map((address) => `${parsed(address)}/p2p/${this.id}`)
    return [...new Set([...announced, ...this.#node.getMultiaddrs().map(String)])]
  }

  get peers(): readonly ContextId[] {
    return this.#peers.linked
  }

  /** ERR_ADDRESS_IN_USE, ERR_LISTEN_FAILED. */
  async start({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted()
    await this.#stopping
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    await this.#starting
  }

  async stop(): Promise<void> {
    if (this.#starting === undefined) return this.#stopping
    this.#stopping ??= this.#stop(this.#starting).finally(() => {
      this.#stopping = undefined
    })
    await this.#stopping
  }

  dial(address: string, { signal }: { signal?: AbortSignal } = {}): Promise<ContextId> {
    return this.#peers.dial(address, signal)
  }

  remember(peer: ContextId, addresses: readonly string[]): void {
    this.#peers.remember(peer, addresses)
  }

  connect(peer: ContextId, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#peers.connect(peer, signal)
  }

  disconnect(peer: ContextId): Promise<void> {
    return this.#peers.disconnect(peer)
  }

  isConnected(peer: ContextId): boolean {
    return this.#peers.isLinked(peer)
  }

  addressesOf(peer: ContextId): readonly string[] {
    return this.#peers.addressesOf(peer)
  }

  admit(peer: ContextId): void {
    if (!this.#peers.isLinked(peer) || this.#gate.isAdmitted(peer)) return
    this.#gate.admit(peer)
    this.#peers.admitted(peer)
  }

  isAdmitted(peer: ContextId): boolean {
    return this.#gate.isAdmitted(peer)
  }

  onPeer(listener: PeerListener): () => void {
    return this.#peers.onPeer(listener)
  }

  async #start(): Promise<void> {
    const node = await createNode(this.#options, {
      gate: this.#gate,
      scores: this.#scores,
      isSearching: () => this.#records.isSearching,
      onFound: ({ id, multiaddrs }) => {
        if (id.toString() !== this.id && this.#options.mayLink(id.toString())) this.#peers.discovered(id, multiaddrs)
      },
    })
    const { ports } = this.#options
    boundIntake(node.services.pubsub, { ports, scores: this.#scores })
    boundOutbox(node.services.pubsub, ports.counters)
    this.#peers.attach(node)
    await this.#streams.attach(node)
    try {
      await node.start()
    } catch (cause) {
      await node.stop()
      this.#detach()
      throw startError(cause, this.#options.listen)
    }
    node.services.ownAddresses.confirm()
    this.#node = node
    this.#gossip.attach(node.services.pubsub)
    this.#records.attach(node.contentRouting)
    this.#watchdog.start()
    this.#stalledStreams.start()
  }

  async #stop(starting: Promise<void>): Promise<void> {
    // Its error is told to whoever called start().
    await starting.catch(() => {})
    this.#watchdog.stop()
    this.#stalledStreams.stop()
    const node = this.#node
    this.#node = undefined
    await node?.stop()
    this.#detach()
    this.#starting = undefined
  }

  #detach(): void {
    this.#gossip.detach()
    this.#records.detach()
    this.#streams.detach()
    this.#peers.detach()
  }

  #redial(peer: ContextId): void {
    this.#peers
      .disconnect(peer)

      .then(() => this.#peers.connect(peer, undefined))
      .catch((error: unknown) => this.#failed('redial', peer, error))
  }

  #failed(act: string, peer: ContextId, error: unknown): void {
    this.#options.ports.counters.add(`network.${act}.failed`)
    this.#options.ports.logger.warn({ peer, error: String(error) }, `could not ${act}`)
  }
}

/** libp2p tells what the system said only in the text of its error. */
function startError(cause: unknown, listen: readonly string[]): AmcpError {
  const [reason] = /\bE[A-Z]{3,}\b/.exec(String(cause)) ?? ['']
  const where = listen.join(', ')
  if (reason === 'EADDRINUSE')
    return new AmcpError('ERR_ADDRESS_IN_USE', `already in use: ${where}`, { cause, retryable: true })
  const why = reason === '' ? String(cause) : reason
  return new AmcpError('ERR_LISTEN_FAILED', `cannot listen at ${where}: ${why}`, { cause, details: { listen, reason } })
}
