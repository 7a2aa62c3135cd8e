import type { Ports } from '../core/ports.ts'
import type { AmcpEvent } from '../events/event.ts'
import { agentOfTopic } from '../events/topic.ts'
import { TopicTrie } from '../events/topic-trie.ts'
import type { BrokerSubscription, Deliver } from './event-broker.ts'

/** Topics whose listeners are remembered; more than that and the memory starts anew. */
const MAX_CACHED_TOPICS = 16_384

interface Listener {
  readonly deliver: Deliver
  isActive: boolean
}

/**
 * Hands events to the subscribers of this context without encoding them. A topic is matched once and its listeners are
 * remembered until a subscription changes. A subscriber that throws harms nobody: `broker.subscriber-threw` counts it, and it is logged.
 */
export class LocalDelivery {
  readonly #ports: Pick<Ports, 'counters' | 'logger'>
  readonly #trie = new TopicTrie<Listener>()
  readonly #matches = new Map<string, readonly Listener[]>()
  readonly #patterns = new Map<string, number>()
  readonly #onPatterns: () => void
  #deliveries = 0

  /** @param onPatterns called when the set of patterns, not only the number of its subscribers, has changed */
  constructor(ports: Pick<Ports, 'counters' | 'logger'>, onPatterns: () => void = () => {}) {
    this.#ports = ports
    this.#onPatterns = onPatterns
  }

  /** The distinct patterns that others must know of; topics of one agent are not, since they find it by its id. */
  get patterns(): readonly string[] {
    return [...this.#patterns.keys()]
  }

  /** Throws ERR_TOPIC_INVALID for a pattern that breaks the grammar. */
  subscribe(pattern: string, deliver: Deliver): BrokerSubscription {
    const listener: Listener = { deliver, isActive: true }
    this.#trie.add(pattern, listener)
    this.#matches.clear()
    if (agentOfTopic(pattern) === undefined) this.#count(pattern, 1)
    return { pattern, unsubscribe: () => this.#unsubscribe(pattern, listener) }
  }

  /** Returns to how many subscribers the event went. */
  deliver(event: AmcpEvent): number {
    const listeners = this.#matches.get(event.subject) ?? this.#match(event.subject)
    this.#deliveries += 1
    // A subscriber may publish, so that another event is delivered within this.
    const delivery = this.#deliveries
    // Indexed, because the list is at most replaced while we walk, never changed.
    for (let at = 0; at < listeners.length; at++) {
      const listener = listeners[at]!
      if (!listener.isActive) continue
      try {
        listener.deliver(event, delivery)
      } catch (err) {
        this.#ports.counters.add('broker.subscriber-threw')
        this.#ports.logger.error({ topic: event.subject, err }, 'a subscriber threw')
      }
    }
    return listeners.length
  }

  #match(topic: string): readonly Listener[] {
    if (this.#matches.size >= MAX_CACHED_TOPICS) this.#matches.clear()
    const listeners = this.#trie.match(topic)
    this.#matches.set(topic, listeners)
    return listeners
  }

  #unsubscribe(pattern: string, listener: Listener): void {
    if (!listener.isActive) return
    listener.isActive = false
    this.#trie.remove(pattern, listener)
    this.#matches.clear()
    if (agentOfTopic(pattern) === undefined) this.#count(pattern, -1)
  }

  #count(pattern: string, change: 1 | -1): void {
    const before = this.#patterns.get(pattern) ?? 0
    const after = before + change
    if (after === 0) this.#patterns.delete(pattern)
    else this.#patterns.set(pattern, after)
    if (before === 0 || after === 0) this.#onPatterns()
  }
}
