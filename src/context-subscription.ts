import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Checked } from './agent/checked-data.ts'
import { DROPPED } from './agent/data-checks.ts'
import { type QueueComponents, QueuedSubscription, type QueueOptions } from './agent/queued-subscription.ts'
import type { Runnable, RunQueue } from './agent/run-queue.ts'
import type { AmcpEvent } from './events/event.ts'

export interface SubscribeOptions<Schema extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined>
  extends QueueOptions<Schema> {
  /**
   * Events as they came, for tools that show what arrives: data that does not fit the context's `schemas`, too, and data that
   * cannot be read, where `event.data` throws ERR_EVENT_INVALID. Not with `schema`. @default false
   */
  raw?: boolean
}

export type EventHandler<Schema extends StandardSchemaV1 | undefined = undefined> = (
  event: AmcpEvent<Checked<Schema>>,
) => void | Promise<void>

export interface HandlerComponents extends QueueComponents {
  readonly queue: RunQueue
}

/** Hands events to a function, one at a time, in order. */
export class HandlerSubscription extends QueuedSubscription implements Runnable {
  readonly #handler: (event: AmcpEvent) => unknown
  readonly #queue: RunQueue
  #isQueued = false
  #isBusy = false

  constructor(
    components: HandlerComponents,
    pattern: string,
    handler: (event: AmcpEvent) => unknown,
    options: QueueOptions,
  ) {
    super(components, pattern, options)
    this.#handler = handler
    this.#queue = components.queue
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
    this.#queue.add(this)
  }

  protected override failed(): void {}

  #run(event: AmcpEvent): void {
    try {
      const result = this.#hand(event)
      if (!(result instanceof Promise)) {
        if (result === DROPPED) this.lost()
        return
      }
      this.#isBusy = true
      result.then(
        (outcome) => {
          if (outcome === DROPPED) this.lost()
          this.#next()
        },
        (thrown) => {
          this.#threw(event, thrown)
          this.#next()
        },
      )
    } catch (thrown) {
      this.#threw(event, thrown)
    }
  }

  /** Where nothing needs to be checked, data is decoded when the handler reads it. */
  #hand(event: AmcpEvent): unknown {
    const { data } = this.components
    if (data === undefined || (this.schema === undefined && !data.isNeeded)) return this.#handler(event)
    return data.hand(event, this.schema, this.#handler)
  }

  #next(): void {
    this.#isBusy = false
    if (this.waiting.size === 0) return
    this.#isQueued = true
    this.#queue.resume(this)
  }

  #threw(event: AmcpEvent, err: unknown): void {
    if (this.components.data?.excuses(err, event)) {
      this.lost()
      return
    }
    this.components.ports.counters.add('context.handler-threw')
    this.components.ports.logger.warn({ pattern: this.pattern, err }, 'a handler threw')
  }
}
