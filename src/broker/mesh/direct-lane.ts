import type { ContextId } from '../../core/ids.ts'
import { publicKeyOf } from '../../core/ids.ts'
import { LruCache } from '../../core/lru-cache.ts'
import { HASH_LENGTH } from '../../events/frame/frame-header.ts'
import type { HandleOptions, MessageStream } from '../../network/network.ts'
import type { Batch, Outlet, Route } from './batcher.ts'
import { OwnChain } from './chains.ts'
import { DirectLink } from './direct-link.ts'
import type { DirectLinkComponents, DirectLinkOptions } from './direct-link-parts.ts'
import type { FrameSender } from './frame-sender.ts'
import { Reach } from './reach.ts'

export const DIRECT_PROTOCOL = '/amcp/direct/1'
/** No message is larger than the window; of streams both ends need one, and one that is still closing. */
export const DIRECT_LIMITS: HandleOptions = { messageLimit: 4 * 1_048_576, streamLimit: 4 }

/** Audiences whose routes are kept; more, and they are made anew. */
const MAX_ROUTES = 4_096
/** Receivers of signed frames whose chains are kept: more than there are members. */
const MAX_CHAINS = 65_536

export interface DirectLaneOptions extends DirectLinkOptions {
  /**
   * Signs every frame, at the price of a frame of its own for each receiver, since its chain is the link's.
   * Fire-and-forget events do not need it: the link proves who sent them.
   * @default false
   */
  signDirect?: boolean
}

export interface DirectLaneComponents extends DirectLinkComponents {
  isConnected(peer: ContextId): boolean
}

/** The streams to all contexts, and the routes over them. */
export class DirectLane {
  readonly #parts: DirectLaneComponents
  readonly #options: DirectLaneOptions
  readonly #sender: FrameSender
  readonly #reach: Reach
  readonly #links = new Map<ContextId, DirectLink>()
  readonly #routes = new Map<string, Route>()
  /** Of signed frames, by receiver. They outlive links: a chain that began anew would contradict itself. */
  readonly #chains = new LruCache<ContextId, OwnChain>(MAX_CHAINS)
  /** Routes by the audience's identity: who asks for the same array pays one look-up. */
  #byAudience = new WeakMap<readonly ContextId[], Route>()

  constructor(parts: DirectLaneComponents, sender: FrameSender, options: DirectLaneOptions) {
    this.#parts = parts
    this.#reach = new Reach({
      ports: parts.ports,
      isOpen: (peer) => this.isOpen(peer),
      open: parts.open,
      accept: (stream) => this.accept(stream),
    })
    this.#sender = sender
    this.#options = options
  }

  get links(): Iterable<DirectLink> {
    return this.#links.values()
  }

  linkTo(peer: ContextId): DirectLink {
    let link = this.#links.get(peer)
    if (link === undefined) {
      link = new DirectLink(peer, this.#parts, this.#options)
      this.#links.set(peer, link)
    }
    return link
  }

  accept(stream: MessageStream): void {
    this.linkTo(stream.peer).accept(stream)
  }

  /** Where events for exactly these contexts go. */
  routeTo(audience: readonly ContextId[]): Route {
    const known = this.#byAudience.get(audience)
    if (known !== undefined) return known
    const key = audience.join(' ')
    let route = this.#routes.get(key)
    if (route === undefined) {
      if (this.#routes.size >= MAX_ROUTES) this.#routes.clear()
      const links = audience.map((peer) => this.linkTo(peer))
      route = this.#options.signDirect
        ? links.map((link) => new SignedOutlet(link, this.#sender, this.#chainTo(link.peer)))
        : [new AudienceOutlet(links, this.#sender)]
      this.#routes.set(key, route)
    }
    this.#byAudience.set(audience, route)
    return route
  }

  #chainTo(peer: ContextId): OwnChain {
    let chain = this.#chains.get(peer)
    if (chain === undefined) {
      chain = new OwnChain()
      this.#chains.set(peer, chain)
    }
    return chain
  }

  isLinked(peer: ContextId): boolean {
    return this.#links.get(peer)?.isOpen ?? false
  }

  /** Whether what is published for the peer now goes out at once: there is a stream, over a link that is up. */
  isOpen(peer: ContextId): boolean {
    return this.isLinked(peer) && this.#parts.isConnected(peer)
  }

  /** Opens the stream to the peer. Rejects when nobody answers, within 3 s. */
  reach(peer: ContextId): Promise<void> {
    return this.#reach.to(peer)
  }

  /** Whether the lane to the peer was used since this was asked last. */
  wasUsed(peer: ContextId): boolean {
    return this.#links.get(peer)?.wasUsed() ?? false
  }

  /** Tells whoever has a direct lane that the shard's events from `first` to `last` come by gossip. */
  changeToGossip(shard: number, first: number, last: number): void {
    for (const link of this.#links.values()) link.changeToGossip(shard, first, last)
  }

  /** Whether gossip of the shard is to wait for a stream that is being opened. */
  wouldBeOvertaken(shard: number): boolean {
    for (const link of this.#links.values()) if (link.wouldBeOvertaken(shard)) return true
    return false
  }

  /** Forgets contexts that have left, so that the map does not grow with everybody who ever was here. */
  async retain(isPresent: (peer: ContextId) => boolean): Promise<void> {
    const gone = [...this.#links.values()].filter((link) => !isPresent(link.peer) && link.isReady && !link.isOpen)
    if (gone.length === 0) return
    for (const link of gone) this.#links.delete(link.peer)
    this.#routes.clear()
    this.#byAudience = new WeakMap()
    // None of them has a stream that could keep this waiting.
    await Promise.all(gone.map((link) => link.close(Number.POSITIVE_INFINITY)))
  }

  async drained(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.drained()))
  }

  async close(by: number): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close(by)))
  }
}

/** One unsigned frame, encoded once, for all contexts of an audience. */
class AudienceOutlet implements Outlet {
  batch: Batch | undefined
  readonly #links: readonly DirectLink[]
  readonly #sent: readonly DirectLink['sent'][]
  readonly #sender: FrameSender

  constructor(links: readonly DirectLink[], sender: FrameSender) {
    this.#links = links
    this.#sent = links.map((link) => link.sent)
    this.#sender = sender
  }

  /** As soon as one receiver is ready, since nobody waits for a slower one. */
  get isReady(): boolean {
    const links = this.#links
    for (let at = 0; at < links.length; at++) if (links[at]!.isReady) return true
    return false
  }

  get isFull(): boolean {
    const links = this.#links
    for (let at = 0; at < links.length; at++) if (links[at]!.isFull) return true
    return false
  }

  async room(): Promise<void> {
    for (const link of this.#links) while (link.isFull) await link.room()
  }

  send(batch: Batch): void {
    const frame = this.#sender.unsigned(batch, this.#sender.unsent(batch, this.#sent))
    for (const link of this.#links) link.push(frame, batch.ranges)
  }
}

/** Signed frames for one context, in the chain of its link. */
class SignedOutlet implements Outlet {
  batch: Batch | undefined
  readonly #link: DirectLink
  readonly #sender: FrameSender
  readonly #chain: OwnChain
  readonly #receiver: Uint8Array

  constructor(link: DirectLink, sender: FrameSender, chain: OwnChain) {
    this.#link = link
    this.#chain = chain
    this.#sender = sender
    this.#receiver = receiverHash(sender.crypto, link.peer)
  }

  get isReady(): boolean {
    return this.#link.isReady
  }

  get isFull(): boolean {
    return this.#link.isFull
  }

  async room(): Promise<void> {
    while (this.#link.isFull) await this.#link.room()
  }

  send(batch: Batch): void {
    const credentials = this.#sender.unsent(batch, [this.#link.sent])
    this.#link.push(this.#sender.signed(batch, credentials, this.#chain, this.#receiver), batch.ranges)
  }
}

/** How a link's frame names its receiver: the first 16 bytes of the SHA-256 of its key. */
export const receiverHash = (crypto: FrameSender['crypto'], context: ContextId): Uint8Array =>
  crypto.sha256(publicKeyOf(context)).subarray(0, HASH_LENGTH)
