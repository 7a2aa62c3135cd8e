import type { GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Stream } from '@libp2p/interface'
import type { ContextId } from '../../core/ids.ts'
import { plainBytes } from '../../core/plain-bytes.ts'
import type { Ports } from '../../core/ports.ts'
import type { Gossip, Verdict } from '../network.ts'
import { sentOn } from './calm-yamux.ts'
import { drainOrEnd } from './message-stream.ts'
import type { RejectScores } from './scoring.ts'
import type { WatchedStream } from './watched-stream.ts'

/** Up to this many subscribers a frame goes straight to all that are linked; above, to the topic's mesh. */
const FLOOD_LIMIT = 12
const MESH_SIZE = 6
/** Looks for the stream to a peer that subscribes; after them the watchdog sees to it. */
const STREAM_LOOKS = 200
const STREAM_LOOK_INTERVAL = 10
/** Topics of one peer that are told again when its stream opens; a mesh has at most so many shards. */
const AWAITED_TOPICS = 4_096

/** Public parts of gossipsub's class that its exported type leaves out. */
interface GossipRouter extends Omit<GossipSub, 'publish'> {
  /** The only place that shows what waits for the wire. */
  readonly streamsOutbound: ReadonlyMap<ContextId, { readonly rawStream: Stream }>
  getMeshPeers(topic: string): ContextId[]
  heartbeat(): Promise<void>
  publish(topic: string, data: Uint8Array, options: { floodPublish: boolean }): Promise<{ recipients: unknown[] }>
}

type Judge = (topic: string, bytes: Uint8Array, from: ContextId) => Verdict
type Listener = (topic: string, bytes: Uint8Array, from: ContextId) => void

/** The Gossip port over gossipsub. Topics and listeners outlive the node, so they may be set before the start. */
export class Libp2pGossip implements Gossip {
  readonly #ports: Ports
  readonly #scores: RejectScores
  readonly #topics = new Set<string>()
  readonly #listeners: Listener[] = []
  readonly #changeListeners = new Set<(topic: string) => void>()
  /** Topics of peers to which no stream is open yet: one look-out a peer, however often it changes its mind. */
  readonly #awaited = new Map<ContextId, Set<string>>()
  /** Streams of neighbours that are too slow to be waited for. */
  #passedOver: ReadonlySet<object> = new Set()
  #passing: PromiseWithResolvers<void> | undefined
  #judge: Judge = () => 'accept'
  #pubsub: GossipRouter | undefined
  /** Bytes handed to gossipsub, which it puts into streams in a later microtask. */
  #handedOver = 0

  constructor(ports: Ports, scores: RejectScores) {
    this.#ports = ports
    this.#scores = scores
  }

  /** Takes the started service of a new node. */
  attach(pubsub: GossipSub): void {
    this.#pubsub = pubsub as unknown as GossipRouter
    pubsub.addEventListener('gossipsub:message', ({ detail: { msg, propagationSource } }) => {
      for (const listener of this.#listeners) listener(msg.topic, plainBytes(msg.data), propagationSource.toString())
    })
    pubsub.addEventListener('subscription-change', ({ detail }) => {
      const peer = detail.peerId.toString()
      for (const { topic } of detail.subscriptions) this.#changed(topic)
      if (this.hasStream(peer) || detail.subscriptions.length === 0) return
      const awaited = this.#awaited.get(peer) ?? new Set()
      if (awaited.size === 0) this.#tellWhenReachable(peer, STREAM_LOOKS)
      this.#awaited.set(peer, awaited)
      for (const { topic } of detail.subscriptions) if (awaited.size < AWAITED_TOPICS) awaited.add(topic)
    })
    pubsub.addEventListener('gossipsub:graft', ({ detail }) => this.#changed(detail.topic))
    pubsub.addEventListener('gossipsub:prune', ({ detail }) => this.#changed(detail.topic))
    for (const topic of this.#topics) this.#join(topic)
  }

  detach(): void {
    this.#pubsub = undefined
  }

  get topics(): readonly string[] {
    return [...this.#topics]
  }

  subscribe(topic: string): void {
    if (this.#topics.has(topic)) return
    this.#topics.add(topic)
    this.#join(topic)
  }

  unsubscribe(topic: string): void {
    if (!this.#topics.delete(topic)) return
    this.#pubsub?.unsubscribe(topic)
    this.#pubsub?.topicValidators.delete(topic)
  }

  publish(topic: string, bytes: Uint8Array): number {
    const pubsub = this.#pubsub
    const subscribers = this.subscribers(topic).length
    if (pubsub === undefined || subscribers === 0) return 0
    const floodPublish = subscribers <= FLOOD_LIMIT
    const expected = floodPublish
      ? subscribers
      : Math.max(pubsub.getMeshPeers(topic).length, Math.min(MESH_SIZE, subscribers))
    this.#handedOver += bytes.length
    void pubsub.publish(topic, bytes, { floodPublish }).then(
      ({ recipients }) => {
        this.#handedOver -= bytes.length
        if (recipients.length < expected)
          this.#ports.counters.add('network.gossip.missed', expected - recipients.length)
      },
      (error: unknown) => {
        this.#handedOver -= bytes.length
        this.#ports.counters.add('network.gossip.failed')
        this.#ports.logger.warn({ topic, error: String(error) }, 'a frame could not be published')
      },
    )
    return expected
  }

  validate(judge: Judge): void {
    this.#judge = judge
  }

  onMessage(listener: Listener): void {
    this.#listeners.push(listener)
  }

  /** Those to whom our stream is open: gossipsub hears of a subscription before it can send, and drops frames meanwhile. */
  subscribers(topic: string): readonly ContextId[] {
    const subscribers: ContextId[] = []
    for (const peer of this.#pubsub?.getSubscribers(topic) ?? [])
      if (this.hasStream(peer.toString())) subscribers.push(peer.toString())
    return subscribers
  }

  neighbours(topic: string): readonly ContextId[] {
    return this.#pubsub?.getMeshPeers(topic) ?? []
  }

  onChange(listener: (topic: string) => void): () => void {
    this.#changeListeners.add(listener)
    return () => this.#changeListeners.delete(listener)
  }

  get backlog(): number {
    return (this.#fullest()?.writeBufferLength ?? 0) + this.#handedOver
  }

  async drained(bytes: number): Promise<void> {
    while (this.backlog >= bytes) {
      const fullest = this.#fullest()
      if (fullest === undefined || fullest.writeBufferLength === 0 || this.#handedOver > 0)
        await new Promise<void>((resolve) => this.#ports.clock.endOfTurn(resolve))
      else {
        // Meanwhile it may be passed over.
        this.#passing ??= Promise.withResolvers()
        await Promise.race([drainOrEnd(fullest), this.#passing.promise])
      }
    }
  }

  /** Whose backlog does not count until this is called again; whoever waits looks again. */
  passOver(streams: ReadonlySet<object>): void {
    for (const stream of streams)
      if (!this.#passedOver.has(stream)) this.#ports.counters.add('network.gossip.passed-over')
    this.#passedOver = streams
    this.#passing?.resolve()
    this.#passing = undefined
  }

  /** The outbound streams, for who watches whether they move. */
  *outbound(): Iterable<readonly [ContextId, WatchedStream]> {
    for (const [peer, { rawStream: stream }] of this.#pubsub?.streamsOutbound ?? [])
      if (stream.status === 'open') yield [peer, { stream, waiting: stream.writeBufferLength, sent: sentOn(stream) }]
  }

  /** Whether frames for the peer have an open way out. */
  hasStream(peer: ContextId): boolean {
    return this.#pubsub?.streamsOutbound.get(peer)?.rawStream.status === 'open'
  }

  /** gossipsub does not tell when its stream to a peer opens, mostly a few ms after the peer's first word. */
  #tellWhenReachable(peer: ContextId, looks: number): void {
    this.#ports.clock.after(STREAM_LOOK_INTERVAL, () => {
      const isReachable = this.hasStream(peer)
      if (!isReachable && looks > 1) {
        this.#tellWhenReachable(peer, looks - 1)
        return
      }
      const topics = this.#awaited.get(peer) ?? new Set()
      this.#awaited.delete(peer)
      if (!isReachable) return
      this.#graftNow(peer, topics)
      for (const topic of topics) this.#changed(topic)
    })
  }

  /**
   * gossipsub grafts who subscribes at once, but only over an open stream: a peer whose word came before our stream stood
   * would get nothing passed on until the next heartbeat. So that comes now.
   */
  #graftNow(peer: ContextId, topics: ReadonlySet<string>): void {
    const pubsub = this.#pubsub
    const isLeftOut = (topic: string): boolean =>
      this.#topics.has(topic) && pubsub?.getMeshPeers(topic).includes(peer) === false
    if (![...topics].some(isLeftOut)) return
    pubsub?.heartbeat().catch((error: unknown) => {
      this.#ports.counters.add('network.gossip.heartbeat-failed')
      this.#ports.logger.warn({ peer, error: String(error) }, 'gossip could not graft')
    })
  }

  #fullest(): Stream | undefined {
    let fullest: Stream | undefined
    for (const { rawStream } of this.#pubsub?.streamsOutbound.values() ?? [])
      if (rawStream.status === 'open' && rawStream.writeBufferLength >= (fullest?.writeBufferLength ?? 0))
        if (!this.#passedOver.has(rawStream)) fullest = rawStream
    return fullest
  }

  #join(topic: string): void {
    const pubsub = this.#pubsub
    if (pubsub === undefined) return
    // Exact topics only, so each is registered, and before the first frame can come.
    pubsub.topicValidators.set(topic, (peer, message) =>
      this.#verdict(topic, plainBytes(message.data), peer.toString()),
    )
    pubsub.subscribe(topic)
  }

  #verdict(topic: string, bytes: Uint8Array, from: ContextId): TopicValidatorResult {
    let verdict: Verdict = 'ignore'
    try {
      verdict = this.#judge(topic, bytes, from)
    } catch (error) {
      this.#ports.counters.add('network.gossip.judge-failed')
      this.#ports.logger.error({ topic, from, error: String(error) }, 'the judge of gossip threw')
    }
    if (verdict === 'reject') {
      this.#scores.rejected(from)
      this.#ports.counters.add('network.gossip.rejected')
    }
    return verdict as TopicValidatorResult
  }

  #changed(topic: string): void {
    for (const listener of this.#changeListeners) listener(topic)
  }
}
