import type { BrokerSubscription, EventBroker } from '../broker/event-broker.ts'
import { AmcpError } from '../core/errors.ts'
import type { AmcpEvent } from '../events/event.ts'
import { oneSpelling, parsePattern } from '../events/pattern.ts'
import { isAgentTopic } from '../events/topic.ts'

export interface PatternListener {
  /** @param delivery the same for all patterns that one event fits */
  receive(event: AmcpEvent, delivery: number): void
  /** The context stops: nothing comes any more. */
  closed?(): void
}

interface Shared {
  readonly listeners: Set<PatternListener>
  readonly subscription: Promise<BrokerSubscription>
}

/** One subscription at the broker for each pattern, however many agents of this context listen to it. */
export class SharedSubscriptions {
  readonly #broker: EventBroker
  readonly #patterns = new Map<string, Shared>()
  #isClosed = false

  constructor(broker: EventBroker) {
    this.#broker = broker
  }

  /** Resolves when the broker has the pattern. ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED for topics of single agents. */
  async add(given: string, listener: PatternListener): Promise<void> {
    const pattern = parsePattern(given)
    if (this.#isClosed) throw new AmcpError('ERR_STOPPED', 'the context is stopping')
    if (isAgentTopic(`${pattern}.`)) {
      throw new AmcpError('ERR_TOPIC_RESERVED', `events to single agents cannot be listened to: ${pattern}`, {
        details: { topic: pattern },
      })
    }
    const shared = this.#patterns.get(pattern) ?? this.#open(pattern)
    shared.listeners.add(listener)
    await shared.subscription
  }

  /** Resolves when the broker has all patterns, also those added meanwhile. One that failed has told whoever asked for it. */
  async ready(): Promise<void> {
    const waited = new Set<Promise<BrokerSubscription>>()
    for (;;) {
      const open = [...this.#patterns.values()].map(({ subscription }) => subscription)
      const unknown = open.filter((subscription) => !waited.has(subscription))
      if (unknown.length === 0) return
      for (const subscription of unknown) waited.add(subscription)
      await Promise.allSettled(unknown)
    }
  }

  /** Nothing comes in any more; what has come stays with its listeners. */
  close(): void {
    this.#isClosed = true
    const all = [...this.#patterns.values()]
    this.#patterns.clear()
    for (const { listeners, subscription } of all) {
      subscription.then(unsubscribe, () => undefined)
      for (const listener of listeners) listener.closed?.()
    }
  }

  remove(given: string, listener: PatternListener): void {
    const pattern = oneSpelling(given)
    const shared = this.#patterns.get(pattern)
    if (shared === undefined || !shared.listeners.delete(listener) || shared.listeners.size > 0) return
    this.#patterns.delete(pattern)
    // A subscription that failed has told those who waited for it.
    shared.subscription.then(unsubscribe, () => undefined)
  }

  #open(pattern: string): Shared {
    const listeners = new Set<PatternListener>()
    const subscription = this.#broker.subscribe(pattern, (event, delivery) => {
      if (isAgentTopic(event.subject)) return
      for (const listener of listeners) listener.receive(event, delivery)
    })
    const shared = { listeners, subscription }
    this.#patterns.set(pattern, shared)
    subscription.catch(() => {
      if (this.#patterns.get(pattern) === shared) this.#patterns.delete(pattern)
    })
    return shared
  }
}

function unsubscribe(subscription: BrokerSubscription): void {
  subscription.unsubscribe()
}
