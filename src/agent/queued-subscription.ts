import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Ports } from '../core/ports.ts'
import type { AmcpEvent } from '../events/event.ts'
import { isExpired } from '../events/expiry.ts'
import type { DataChecks } from './data-checks.ts'
import { copiedOut, frameOf } from './held-frames.ts'
import { COPY_ABOVE, Mailbox } from './mailbox.ts'
import type { PatternListener } from './shared-subscriptions.ts'

export interface QueueOptions<Schema extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined> {
  /**
   * Events that may wait for the reader; when it is full the newest is dropped and counted.
   * @default 16_384 for a context, as many as the mailbox holds for an agent
   */
  limit?: number
  /** What the data must fit, and what gives it its type: an event that does not is dropped and counted. */
  schema?: Schema
}

export interface Subscription extends Disposable {
  readonly pattern: string
  /**
   * Resolves when the members of the mesh know of it, or after 2 s.
   * ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED for topics of single agents, ERR_STOPPED.
   */
  readonly ready: Promise<void>
  /** Events that found no room, waited beyond their expiry, or had data that was not fit. */
  readonly dropped: number
  unsubscribe(): void
}

/** Where patterns are subscribed: a context's, or those of one agent. */
export interface Subscriptions {
  add(pattern: string, listener: PatternListener): Promise<void>
  remove(pattern: string, listener: PatternListener): void
}

export interface QueueComponents {
  readonly ports: Ports
  readonly subscriptions: Subscriptions
  /** Undefined for who takes events as they came. */
  readonly data: DataChecks | undefined
  /** Whose: the first word of its counters. */
  readonly scope: 'agents' | 'context'
  /** Told of each event that is dropped. */
  dropped?(): void
  /** The subscription is over. */
  ended?(subscription: QueuedSubscription): void
}

/** A bounded queue in front of somebody who reads events in his own time, so that no publisher waits. */
export abstract class QueuedSubscription implements Subscription, PatternListener {
  readonly pattern: string
  readonly ready: Promise<void>
  protected readonly components: QueueComponents
  protected readonly schema: StandardSchemaV1 | undefined
  protected readonly waiting: Mailbox<AmcpEvent>
  protected isOpen = true
  dropped = 0

  constructor(components: QueueComponents, pattern: string, { limit = 16_384, schema }: QueueOptions) {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`a queue holds at least 1, got ${limit}`)
    this.components = components
    this.pattern = pattern
    this.schema = schema
    this.waiting = new Mailbox<AmcpEvent>(limit, frameOf)
    this.ready = components.subscriptions.add(pattern, this)
    // Whoever does not wait for it still finds the fault in the log.
    this.ready.catch((err: unknown) => {
      components.ports.logger.warn({ pattern, err }, 'a subscription failed')
      this.failed(err)
      this.unsubscribe()
    })
  }

  receive(event: AmcpEvent): void {
    const { ports, scope } = this.components
    // One priority: what has to go is the newcomer.
    const kept = this.waiting.bytes > COPY_ABOVE ? copiedOut(event, ports.counters, scope) : event
    if (this.waiting.push(kept, 0) === undefined) this.arrived()
    else this.lose('subscription-full')
  }

  unsubscribe(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.components.subscriptions.remove(this.pattern, this)
    this.components.ended?.(this)
  }

  /** The context stops. A handler that has not ended by now is left to itself, with what waits for it. */
  stop(): void {
    if (!this.isIdle) {
      const { counters, logger } = this.components.ports
      counters.add(`${this.components.scope}.handler-hung`)
      logger.warn({ pattern: this.pattern, waiting: this.waiting.size }, 'the context stops, and its handler goes on')
    }
    this.unsubscribe()
  }

  [Symbol.dispose](): void {
    this.unsubscribe()
  }

  /** The next event that is not past its expiry. */
  protected take(): AmcpEvent | undefined {
    for (;;) {
      const event = this.waiting.shift()
      if (event === undefined || !isExpired(event, this.components.ports.clock)) return event
      this.lose('expired')
    }
  }

  protected lose(how: 'subscription-full' | 'expired' | 'shed'): void {
    this.components.ports.counters.add(`${this.components.scope}.${how}`)
    this.lost()
  }

  /** An event was dropped, and counted under its reason. */
  protected lost(): void {
    this.dropped += 1
    this.components.dropped?.()
  }

  /** A stop need not wait for it: nothing waits and nothing is under way, or whoever reads it does so in his own time. */
  abstract readonly isIdle: boolean
  protected abstract arrived(): void
  protected abstract failed(reason: unknown): void
}
