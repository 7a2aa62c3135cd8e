import type { ContextId } from '../core/ids.ts'
import type { LifeCycle } from '../core/life-cycle.ts'

export type Verdict = 'accept' | 'ignore' | 'reject'

/**
 * A context's view of the swarm. Two implementations pass one conformance suite: `libp2p/` and `simulated/`.
 * A new link carries only streams whose protocol was registered with `beforeAdmission`; everything else (other streams,
 * gossip, records) opens when `admit(peer)` is called at both ends.
 */
export interface Network extends LifeCycle {
  readonly id: ContextId
  /** Where others can dial this context, with its id; empty before start. */
  readonly addresses: readonly string[]
  /** Connects and returns who answered. ERR_DIAL_FAILED when nobody does. */
  dial(address: string, options?: { signal?: AbortSignal }): Promise<ContextId>
  /** Remembers addresses of a peer, so that `connect(peer)` can dial it. What is none, or somebody else's, is passed over and counted. */
  remember(peer: ContextId, addresses: readonly string[]): void
  /** Links to a peer whose addresses are known; at once when linked. ERR_DIAL_FAILED, ERR_NOT_CONNECTED (no address known). */
  connect(peer: ContextId, options?: { signal?: AbortSignal }): Promise<void>
  disconnect(peer: ContextId): Promise<void>
  /** Linked peers, admitted or not. */
  readonly peers: readonly ContextId[]
  isConnected(peer: ContextId): boolean
  /** Addresses that the peer can be dialled at, as remembered or learnt. */
  addressesOf(peer: ContextId): readonly string[]
  /** Opens the link for everything, until it ends. */
  admit(peer: ContextId): void
  isAdmitted(peer: ContextId): boolean
  /** Called for each link that comes, is admitted and goes, and for peers found by mDNS or bootstrap. Returns how to stop listening. */
  onPeer(listener: PeerListener): () => void
  readonly gossip: Gossip
  readonly streams: Streams
  readonly records: Records
}

export interface PeerListener {
  connected?(peer: ContextId): void
  /** Admitted here; the other end may do so a moment later. */
  admitted?(peer: ContextId): void
  disconnected?(peer: ContextId): void
  /** Found, not linked yet. */
  discovered?(peer: ContextId, addresses: readonly string[]): void
}

export interface Gossip {
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  readonly topics: readonly string[]
  /**
   * Hands the bytes to the neighbours; the caller must not change them afterwards.
   * Returns to how many peers they went, 0 when nobody listens. Not delivered to the publisher itself.
   */
  publish(topic: string, bytes: Uint8Array): number
  /** The one judge of all incoming frames; synchronous. Set before start. Without one everything is accepted. */
  validate(judge: (topic: string, bytes: Uint8Array, from: ContextId) => Verdict): void
  /** Accepted frames. `from` is the neighbour that forwarded, not the publisher. */
  onMessage(listener: (topic: string, bytes: Uint8Array, from: ContextId) => void): void
  /** Linked peers subscribed to the topic. */
  subscribers(topic: string): readonly ContextId[]
  /** Peers grafted in the topic's mesh. */
  neighbours(topic: string): readonly ContextId[]
  /** Called when a linked peer subscribes or a neighbour is grafted or pruned. */
  onChange(listener: (topic: string) => void): () => void
  /**
   * Bytes waiting in the outbound stream that has most, but for neighbours that fell behind others for longer than 2 s in 60 s;
   * gossipsub itself has no back-pressure.
   */
  readonly backlog: number
  /** Resolves when the backlog is below `bytes`. */
  drained(bytes: number): Promise<void>
}

/** A message stream: what one end sends as one message arrives as one message. At most 4 MiB a message. */
export interface MessageStream {
  readonly peer: ContextId
  readonly protocol: string
  /**
   * Queues the concatenation of the parts as one message; the parts must not be changed afterwards.
   * Returns false when the write buffer is full: wait for `drained()`. Throws ERR_STREAM_CLOSED.
   */
  send(...parts: Uint8Array[]): boolean
  /** Bytes queued and not yet taken by the transport. */
  readonly buffered: number
  drained(): Promise<void>
  /** Set once, synchronously after the stream is opened or handed over; messages before that are kept. */
  onMessage(listener: (message: Uint8Array) => void): void
  onClose(listener: (reason?: Error) => void): void
  readonly isOpen: boolean
  /** Sends what is queued, then closes both directions. */
  close(): Promise<void>
  abort(reason: Error): void
}

export interface HandleOptions {
  readonly beforeAdmission?: boolean
  /**
   * Longest message in bytes, of streams that are opened here, too; a longer one resets its stream. What is under way of a message is in memory
   * before anybody has judged it, so it is no larger than the protocol needs. @default 4 MiB
   */
  readonly messageLimit?: number
  /** Streams that one peer may have open towards this context; a further one is reset. @default 256 */
  readonly streamLimit?: number
}

export interface Streams {
  /** ERR_NOT_CONNECTED without a link, ERR_PROTOCOL_REFUSED when the peer does not serve it (to us, yet). */
  open(
    peer: ContextId,
    protocol: string,
    options?: { signal?: AbortSignal; beforeAdmission?: boolean },
  ): Promise<MessageStream>
  handle(protocol: string, handler: (stream: MessageStream) => void, options?: HandleOptions): void
}

/** The DHT's provider records: short-lived hints of who provides a key, never authority. */
export interface Records {
  provide(key: string, options?: { signal?: AbortSignal }): Promise<void>
  /**
   * This context answers with its record no more, and does not renew it. Whoever was handed it may answer until it lapses: a
   * provider that is found has to be asked anyway.
   */
  withdraw(key: string): Promise<void>
  /** Yields providers as they are found; ends when the search ends. */
  providers(key: string, options?: { signal?: AbortSignal }): AsyncIterable<ContextId>
}
