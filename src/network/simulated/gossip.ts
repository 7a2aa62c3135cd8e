import { toString as encodeBytes } from 'uint8arrays/to-string'
import type { Counters } from '../../core/counters.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Gossip, Verdict } from '../network.ts'
import type { Environment } from './conditions.ts'
import type { GossipMessage, PublishedMessage } from './gossip-message.ts'
import type { LinkEnd } from './link-end.ts'
import { pick } from './pick.ts'
import { SeenCache } from './seen-cache.ts'
import { DEGREE, TopicMesh } from './topic-mesh.ts'

/** Bytes to one neighbour under way from which on messages to it are dropped and counted. */
const MAX_BACKLOG = 64 * 1024 * 1024
const CONTROL = 64

interface Neighbour {
  readonly end: LinkEnd
  readonly topics: Set<string>
}

/**
 * gossipsub's relaying: only subscribers pass on, along a mesh of a few neighbours, and each message once. Meshes are
 * mended when something changes instead of at a heartbeat, and nothing lost on a hop is offered again by that hop.
 */
export class SimulatedGossip implements Gossip {
  readonly #environment: Environment
  readonly #counters: Counters
  readonly #neighbours = new Map<ContextId, Neighbour>()
  readonly #meshes = new Map<string, TopicMesh>()
  readonly #seen = new SeenCache()
  readonly #listeners: ((topic: string, bytes: Uint8Array, from: ContextId) => void)[] = []
  readonly #changes = new Set<(topic: string) => void>()
  #judge: ((topic: string, bytes: Uint8Array, from: ContextId) => Verdict) | undefined
  #drains: { readonly below: number; readonly resolve: () => void }[] = []

  constructor(environment: Environment, counters: Counters) {
    this.#environment = environment
    this.#counters = counters
  }

  get topics(): readonly string[] {
    return [...this.#meshes.keys()]
  }

  subscribe(topic: string): void {
    if (this.#meshes.has(topic)) return
    this.#meshes.set(topic, new TopicMesh())
    for (const { end } of this.#neighbours.values()) this.#tell(end, 'subscribe', topic)
    this.#mend(topic)
  }

  unsubscribe(topic: string): void {
    if (!this.#meshes.delete(topic)) return
    for (const { end } of this.#neighbours.values()) this.#tell(end, 'unsubscribe', topic)
  }

  publish(topic: string, bytes: Uint8Array): number {
    const digest = encodeBytes(this.#environment.crypto.sha256(bytes), 'base64')
    if (!this.#seen.add(digest, this.#now)) return 0
    const message: PublishedMessage = { kind: 'message', topic, bytes, digest }
    const receivers = new Set(this.#meshes.get(topic)?.members)
    if (receivers.size < DEGREE) {
      const others = this.subscribers(topic).filter((peer) => !receivers.has(peer))
      for (const peer of pick(this.#environment.random, others, DEGREE - receivers.size)) receivers.add(peer)
    }
    for (const peer of receivers) this.#forward(peer, message)
    return receivers.size
  }

  validate(judge: (topic: string, bytes: Uint8Array, from: ContextId) => Verdict): void {
    this.#judge = judge
  }

  onMessage(listener: (topic: string, bytes: Uint8Array, from: ContextId) => void): void {
    this.#listeners.push(listener)
  }

  subscribers(topic: string): readonly ContextId[] {
    const subscribers: ContextId[] = []
    for (const [peer, { topics }] of this.#neighbours) if (topics.has(topic)) subscribers.push(peer)
    return subscribers
  }

  neighbours(topic: string): readonly ContextId[] {
    return [...(this.#meshes.get(topic)?.members ?? [])]
  }

  onChange(listener: (topic: string) => void): () => void {
    this.#changes.add(listener)
    return () => this.#changes.delete(listener)
  }

  get backlog(): number {
    let fullest = 0
    for (const { end } of this.#neighbours.values()) fullest = Math.max(fullest, end.backlog)
    return fullest
  }

  drained(bytes: number): Promise<void> {
    if (this.backlog < bytes) return Promise.resolve()
    return new Promise((resolve) => this.#drains.push({ below: bytes, resolve }))
  }

  /** A neighbour to gossip with. */
  join(end: LinkEnd): void {
    this.#neighbours.set(end.peer, { end, topics: new Set() })
    for (const topic of this.#meshes.keys()) this.#tell(end, 'subscribe', topic)
  }

  leave(end: LinkEnd): void {
    const neighbour = this.#neighbours.get(end.peer)
    if (neighbour?.end !== end) return
    this.#neighbours.delete(end.peer)
    for (const mesh of this.#meshes.values()) mesh.forget(end.peer)
    for (const topic of neighbour.topics) {
      this.#mend(topic)
      this.#changed(topic)
    }
    this.#resolveDrains()
  }

  take(end: LinkEnd, message: GossipMessage): void {
    const neighbour = this.#neighbours.get(end.peer)
    if (neighbour?.end !== end) {
      this.#counters.add('gossip.not-admitted')
      return
    }
    switch (message.kind) {
      case 'message':
        this.#judgeAndPass(end, message)
        return
      case 'subscribe':
        neighbour.topics.add(message.topic)
        this.#mend(message.topic)
        break
      case 'unsubscribe':
        neighbour.topics.delete(message.topic)
        this.#meshes.get(message.topic)?.forget(end.peer)
        this.#mend(message.topic)
        break
      case 'graft':
        this.#grafted(end, message.topic)
        break
      case 'prune':
        this.#meshes.get(message.topic)?.backOff(end.peer, this.#now)
        this.#mend(message.topic)
    }
    this.#changed(message.topic)
  }

  get #now(): number {
    return this.#environment.clock.monotonic()
  }

  #grafted(end: LinkEnd, topic: string): void {
    const mesh = this.#meshes.get(topic)
    if (mesh !== undefined && !mesh.isFull) mesh.members.add(end.peer)
    else if (!mesh?.members.has(end.peer)) this.#tell(end, 'prune', topic)
  }

  #mend(topic: string): void {
    const grafted = this.#meshes.get(topic)?.graft(this.subscribers(topic), this.#environment.random, this.#now) ?? []
    for (const peer of grafted) this.#tell(this.#neighbours.get(peer)!.end, 'graft', topic)
    if (grafted.length > 0) this.#changed(topic)
  }

  #judgeAndPass(end: LinkEnd, message: PublishedMessage): void {
    const { topic, bytes } = message
    if (!this.#seen.add(message.digest, this.#now)) return
    const mesh = this.#meshes.get(topic)
    if (mesh === undefined) {
      this.#counters.add('gossip.not-subscribed')
      return
    }
    const verdict = this.#judge?.(topic, bytes, end.peer) ?? 'accept'
    if (verdict !== 'accept') {
      this.#counters.add(verdict === 'reject' ? 'gossip.rejected' : 'gossip.ignored')
      return
    }
    for (const peer of mesh.members) if (peer !== end.peer) this.#forward(peer, message)
    for (const listener of this.#listeners) listener(topic, bytes, end.peer)
  }

  #forward(peer: ContextId, message: PublishedMessage): void {
    const end = this.#neighbours.get(peer)!.end
    const size = message.bytes.length + CONTROL
    if (end.backlog + size > MAX_BACKLOG) {
      this.#counters.add('gossip.backlog-dropped')
      return
    }
    const { random, conditions } = this.#environment
    const isLost = conditions.loss > 0 && random.float() < conditions.loss
    end.backlog += size
    end.transmit(size, (there) => {
      end.backlog -= size
      this.#resolveDrains()
      const at = this.#now
      const what = message.topic
      this.#environment.observe({ at, kind: isLost ? 'lost' : 'gossip', from: there.peer, to: peer, what, bytes: size })
      if (isLost) return
      const { gossipDelay } = this.#environment.conditions
      const take = (): void => there.owner.takeGossip(there, message)
      if (gossipDelay > 0) this.#environment.clock.after(random.float() * gossipDelay, take)
      else take()
    })
  }

  #tell(end: LinkEnd, kind: 'subscribe' | 'unsubscribe' | 'graft' | 'prune', topic: string): void {
    end.transmit(CONTROL + topic.length, (there) => there.owner.takeGossip(there, { kind, topic }))
  }

  #changed(topic: string): void {
    for (const listener of this.#changes) listener(topic)
  }

  #resolveDrains(): void {
    if (this.#drains.length === 0) return
    const { backlog } = this
    const ready = this.#drains.filter(({ below }) => backlog < below)
    if (ready.length === 0) return
    this.#drains = this.#drains.filter(({ below }) => backlog >= below)
    for (const { resolve } of ready) resolve()
  }
}
