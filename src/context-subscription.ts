import { Mailbox } from './agent/mailbox.ts'
import type { Runnable, RunQueue } from './agent/run-queue.ts'
import type { UncheckedData } from './agent/self.ts'
import type { PatternListener, SharedSubscriptions } from './agent/shared-subscriptions.ts'
import type { Ports } from './core/ports.ts'
import type { AmcpEvent } from './events/event.ts'
import { isExpired } from './events/expiry.ts'

export interface SubscribeOptions {
  /** Events that may wait for the reader; when it is full the newest is dropped and counted. @default 16_384 */
  limit?: number
}

export interface Subscription extends Disposable {
  readonly pattern: string
  /** Resolves when the members of the mesh know of it, or after 2 s. ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED. */
  readonly ready: Promise<void>
  /** Events that found no room, or waited beyond their expiry. */
  readonly dropped: number
  unsubscribe(): void
}

/** Ends when it is unsubscribed, also by leaving the loop, and when the context stops; what waits then is still read. */
export interface EventStream extends Subscription, AsyncIterableIterator<AmcpEvent<UncheckedData>> {}

export type EventHandler = (event: AmcpEvent<UncheckedData>) => void | Promise<void>

export interface SubscriptionComponents {
  readonly ports: Ports
  readonly subscriptions: SharedSubscriptions
  readonly queue: RunQueue
  /** The subscription is over. */
  ended(subscription: ContextSubscription): void
}

/** A subscription of the context itself: a bounded queue in front of whoever reads it, so that no publisher waits. */
export abstract class ContextSubscription implements Subscription, PatternListener {
  readonly pattern: string
  readonly ready: Promise<void>
  protected readonly components: SubscriptionComponents
  protected readonly waiting: Mailbox<AmcpEvent>
  protected isOpen = true
  dropped = 0

  constructor(components: SubscriptionComponents, pattern: string, { limit = 16_384 }: SubscribeOptions) {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`a queue holds at least 1, got ${limit}`)
    this.components = components
    this.pattern = pattern
    this.waiting = new Mailbox(limit)
    this.ready = components.subscriptions.add(pattern, this)
    // Whoever does not wait for it still finds the fault in the log.
    this.ready.catch((err: unknown) => {
      components.ports.logger.warn({ pattern, err }, 'a subscription failed')
      this.failed(err)
      this.unsubscribe()
    })
  }

  receive(event: AmcpEvent): void {
    if (this.waiting.push(event, 0) === undefined) {
      this.arrived()
      return
    }
    this.dropped += 1
    this.components.ports.counters.add('context.subscription-full')
  }

  unsubscribe(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.components.subscriptions.remove(this.pattern, this)
    this.components.ended(this)
  }

  /** The context stops. A handler that has not ended by now is left to itself, with what waits for it. */
  stop(): void {
    if (!this.isIdle) {
      const { counters, logger } = this.components.ports
      counters.add('context.handler-hung')
      logger.warn({ pattern: this.pattern, waiting: this.waiting.size }, 'the context stops, and its handler goes on')
    }
    this.unsubscribe()
  }

  [Symbol.dispose](): void {
    this.unsubscribe()
  }

  /** The next event that is not past its expiry. */
  protected take(): AmcpEvent | undefined {
    const { clock, counters } = this.components.ports
    for (;;) {
      const event = this.waiting.shift()
      if (event === undefined || !isExpired(event, clock)) return event
      this.dropped += 1
      counters.add('context.expired')
    }
  }

  /** Nothing waits and nobody is reading any more. */
  abstract readonly isIdle: boolean
  protected abstract arrived(): void
  protected abstract failed(reason: unknown): void
}

/** Hands events to a function, one at a time, in order. */
export class HandlerSubscription extends ContextSubscription implements Runnable {
  readonly #handler: EventHandler
  #isQueued = false
  #isBusy = false

  constructor(components: SubscriptionComponents, pattern: string, handler: EventHandler, options: SubscribeOptions) {
    super(components, pattern, options)
    this.#handler = handler
  }

  override get isIdle(): boolean {
    return !this.#isBusy && this.waiting.size === 0
  }

  step(): boolean {
    const event = this.#isBusy ? undefined : this.take()
    if (event !== undefined) this.#run(event)
    this.#isQueued = !this.#isBusy && this.waiting.size > 0
    return this.#isQueued
  }

  protected override arrived(): void {
    if (this.#isQueued || this.#isBusy) return
    this.#isQueued = true
    this.components.queue.add(this)
  }

  protected override failed(): void {}

  #run(event: AmcpEvent): void {
    try {
      const result = this.#handler(event)
      if (!(result instanceof Promise)) return
      this.#isBusy = true
      result.then(
        () => this.#next(),
        (thrown) => {
          this.#threw(thrown)
          this.#next()
        },
      )
    } catch (thrown) {
      this.#threw(thrown)
    }
  }

  #next(): void {
    this.#isBusy = false
    if (this.waiting.size === 0) return
    this.#isQueued = true
    this.components.queue.resume(this)
  }

  #threw(err: unknown): void {
    this.components.ports.counters.add('context.handler-threw')
    this.components.ports.logger.warn({ pattern: this.pattern, err }, 'a handler threw')
  }
}

interface Reader {
  resolve(result: IteratorResult<AmcpEvent, undefined>): void
  reject(reason: unknown): void
}

/** Events as an async iterator. */
export class StreamSubscription extends ContextSubscription implements EventStream {
  readonly #readers: Reader[] = []
  #fault: { reason: unknown } | undefined

  override get isIdle(): boolean {
    return true
  }

  next(): Promise<IteratorResult<AmcpEvent, undefined>> {
    const event = this.take()
    if (event !== undefined) return Promise.resolve({ value: event, done: false })
    if (this.#fault !== undefined) return Promise.reject(this.#fault.reason)
    if (!this.isOpen) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<AmcpEvent, undefined>> {
    this.unsubscribe()
    return Promise.resolve({ value: undefined, done: true })
  }

  override unsubscribe(): void {
    super.unsubscribe()
    for (const reader of this.#readers.splice(0)) reader.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  protected override arrived(): void {
    if (this.#readers.length === 0) return
    const event = this.take()
    if (event !== undefined) this.#readers.shift()!.resolve({ value: event, done: false })
  }

  protected override failed(reason: unknown): void {
    this.#fault = { reason }
    for (const reader of this.#readers.splice(0)) reader.reject(reason)
  }
}
