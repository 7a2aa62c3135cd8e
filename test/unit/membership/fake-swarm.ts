import type { Clock } from '../../../src/core/clock.ts'
import { AmcpError } from '../../../src/core/errors.ts'
import type { ContextId } from '../../../src/core/ids.ts'
import type { MessageStream, Network, PeerListener, Streams } from '../../../src/network/network.ts'

const LATENCY = 2

/** A cable between two nodes; several may join the same two ids, as when two processes share a key. */
interface Link {
  readonly a: FakeNetwork
  readonly b: FakeNetwork
  readonly streams: Set<FakeStream>
  isSilent: boolean
}

/** Networks in memory on the virtual clock, just enough for membership: links, streams, admission, no gossip. */
export class FakeSwarm {
  readonly clock: Clock
  readonly networks = new Map<string, FakeNetwork>()
  readonly unreachable = new Set<string>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** @param address unique, though the id may be that of another node */
  join(id: ContextId, address: string): FakeNetwork {
    const network = new FakeNetwork(this, id, address)
    this.networks.set(address, network)
    return network
  }
}

class FakeStream implements MessageStream {
  readonly peer: ContextId
  readonly protocol: string
  readonly link: Link
  readonly clock: Clock
  other: FakeStream | undefined
  isOpen = true
  isFull = false
  /** Fails when written to, though it still says that it is open. */
  isBroken = false
  buffered = 0
  #listener: ((message: Uint8Array) => void) | undefined
  #kept: Uint8Array[] = []
  #closers: ((reason?: Error) => void)[] = []
  #drains: (() => void)[] = []

  constructor(peer: ContextId, protocol: string, link: Link, clock: Clock) {
    this.peer = peer
    this.protocol = protocol
    this.link = link
    this.clock = clock
    link.streams.add(this)
  }

  send(...parts: Uint8Array[]): boolean {
    if (!this.isOpen || this.isBroken) throw new AmcpError('ERR_STREAM_CLOSED', 'closed')
    const message = new Uint8Array(Buffer.concat(parts))
    if (!this.link.isSilent) this.clock.after(LATENCY, () => this.other?.receive(message))
    return !this.isFull
  }

  receive(message: Uint8Array): void {
    if (!this.isOpen) return
    if (this.#listener === undefined) this.#kept.push(message)
    else this.#listener(message)
  }

  drained(): Promise<void> {
    return this.isFull ? new Promise((resolve) => this.#drains.push(resolve)) : Promise.resolve()
  }

  drain(): void {
    this.isFull = false
    for (const resolve of this.#drains.splice(0)) resolve()
  }

  onMessage(listener: (message: Uint8Array) => void): void {
    this.#listener = listener
    for (const message of this.#kept.splice(0)) listener(message)
  }

  onClose(listener: (reason?: Error) => void): void {
    this.#closers.push(listener)
  }

  async close(): Promise<void> {
    this.end()
    if (!this.link.isSilent) this.clock.after(LATENCY, () => this.other?.end())
  }

  abort(reason: Error): void {
    this.end(reason)
    if (!this.link.isSilent) this.clock.after(LATENCY, () => this.other?.end(reason))
  }

  end(reason?: Error): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.link.streams.delete(this)
    for (const closer of this.#closers) closer(reason)
  }
}

export class FakeNetwork implements Network {
  readonly id: ContextId
  readonly address: string
  readonly swarm: FakeSwarm
  readonly links: Link[] = []
  readonly dialled: string[] = []
  readonly opened: FakeStream[] = []
  #isDead = false
  readonly #admitted = new Set<ContextId>()
  readonly #known = new Map<ContextId, readonly string[]>()
  readonly #listeners = new Set<PeerListener>()
  readonly #handlers = new Map<string, { handler: (stream: MessageStream) => void; early: boolean }>()

  constructor(swarm: FakeSwarm, id: ContextId, address: string) {
    this.swarm = swarm
    this.id = id
    this.address = address
  }

  get addresses(): readonly string[] {
    return [this.address]
  }

  async start(): Promise<void> {}

  /** As after SIGKILL: links close, nothing is said. */
  async stop(): Promise<void> {
    this.#isDead = true
    this.swarm.networks.delete(this.address)
    for (const link of [...this.links]) this.cut(link)
  }

  async dial(address: string, _options?: { signal?: AbortSignal }): Promise<ContextId> {
    if (this.#isDead) throw new AmcpError('ERR_DIAL_FAILED', 'this process is dead')
    this.dialled.push(address)
    const other = this.swarm.networks.get(address)
    if (other === undefined || this.swarm.unreachable.has(address)) throw new AmcpError('ERR_DIAL_FAILED', address)
    if (other !== this && !this.links.some(({ a, b }) => a === other || b === other)) this.#link(other)
    return other.id
  }

  remember(peer: ContextId, addresses: readonly string[]): void {
    if (addresses.length > 0) this.#known.set(peer, addresses)
  }

  async connect(peer: ContextId): Promise<void> {
    if (this.isConnected(peer)) return
    const [address] = this.addressesOf(peer)
    if (address === undefined) throw new AmcpError('ERR_NOT_CONNECTED', peer)
    await this.dial(address)
  }

  async disconnect(peer: ContextId): Promise<void> {
    for (const link of [...this.links]) if (this.#other(link).id === peer) this.cut(link)
  }

  get peers(): readonly ContextId[] {
    return [...new Set(this.links.map((link) => this.#other(link).id))]
  }

  isConnected(peer: ContextId): boolean {
    return this.peers.includes(peer)
  }

  addressesOf(peer: ContextId): readonly string[] {
    return this.#known.get(peer) ?? []
  }

  admit(peer: ContextId): void {
    this.#admitted.add(peer)
    for (const listener of [...this.#listeners]) listener.admitted?.(peer)
  }

  isAdmitted(peer: ContextId): boolean {
    return this.#admitted.has(peer)
  }

  onPeer(listener: PeerListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  discover(peer: ContextId, addresses: readonly string[]): void {
    for (const listener of [...this.#listeners]) listener.discovered?.(peer, addresses)
  }

  get gossip(): never {
    throw new Error('membership uses no gossip')
  }

  get records(): never {
    throw new Error('membership uses no records')
  }

  readonly streams: Streams = {
    open: async (peer, protocol) => {
      const link = this.links.findLast((one) => this.#other(one).id === peer)
      if (link === undefined) throw new AmcpError('ERR_NOT_CONNECTED', peer)
      const there = this.#other(link)
      const { clock } = this.swarm
      await new Promise<void>((resolve) => clock.after(LATENCY, resolve))
      const served = there.#handlers.get(protocol)
      if (served === undefined || !(served.early || there.isAdmitted(this.id)))
        throw new AmcpError('ERR_PROTOCOL_REFUSED', protocol)
      const mine = new FakeStream(peer, protocol, link, clock)
      const theirs = new FakeStream(this.id, protocol, link, clock)
      mine.other = theirs
      theirs.other = mine
      this.opened.push(mine)
      there.opened.push(theirs)
      served.handler(theirs)
      return mine
    },
    handle: (protocol, handler, { beforeAdmission = false } = {}) => {
      this.#handlers.set(protocol, { handler, early: beforeAdmission })
    },
  }

  /** As when the machine loses its power: nothing goes out or comes in any more, and no socket says so. */
  silence(): void {
    this.#isDead = true
    this.swarm.networks.delete(this.address)
    for (const link of this.links) link.isSilent = true
  }

  cut(link: Link): void {
    for (const stream of [...link.streams]) stream.end(new Error('link cut'))
    for (const end of [link.a, link.b]) end.#unlink(link)
  }

  #link(other: FakeNetwork): void {
    const link: Link = { a: this, b: other, streams: new Set(), isSilent: false }
    for (const end of [this, other]) {
      const isFirst = !end.isConnected(end.#other(link).id)
      end.links.push(link)
      if (isFirst) for (const listener of [...end.#listeners]) listener.connected?.(end.#other(link).id)
    }
  }

  #unlink(link: Link): void {
    const at = this.links.indexOf(link)
    if (at < 0) return
    this.links.splice(at, 1)
    const peer = this.#other(link).id
    if (this.isConnected(peer)) return
    this.#admitted.delete(peer)
    for (const listener of [...this.#listeners]) listener.disconnected?.(peer)
  }

  #other({ a, b }: Link): FakeNetwork {
    return a === this ? b : a
  }
}
