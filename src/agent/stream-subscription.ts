import type { AmcpEvent } from '../events/event.ts'
import type { UncheckedData } from './checked-data.ts'
import { QueuedSubscription, type Subscription } from './queued-subscription.ts'

/**
 * Events as an async iterator. It ends when it is unsubscribed, also by leaving the loop, and when the context stops: what waits
 * then is still read. What an agent subscribed ends with the agent, and what waits is dropped.
 */
export interface EventStream<Data = UncheckedData> extends Subscription, AsyncIterableIterator<AmcpEvent<Data>> {}

type Step = IteratorResult<AmcpEvent, undefined>

interface Reader {
  resolve(step: Step | Promise<Step>): void
  reject(reason: unknown): void
}

const DONE: Step = { value: undefined, done: true }

/** Hands its events to whoever asks for the next one. */
export class StreamSubscription extends QueuedSubscription implements EventStream<unknown> {
  readonly #readers: Reader[] = []
  #fault: { reason: unknown } | undefined

  override get isIdle(): boolean {
    return true
  }

  next(): Promise<Step> {
    const step = this.#step()
    if (step !== undefined) return Promise.resolve(step)
    if (this.#fault !== undefined) return Promise.reject(this.#fault.reason)
    if (!this.isOpen) return Promise.resolve(DONE)
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
  }

  return(): Promise<Step> {
    this.unsubscribe()
    return Promise.resolve(DONE)
  }

  override unsubscribe(): void {
    super.unsubscribe()
    for (const reader of this.#readers.splice(0)) reader.resolve(DONE)
  }

  /** The context stops: nothing comes any more. */
  closed(): void {
    this.unsubscribe()
  }

  /** Whoever read it is gone, and what waits with it. */
  ended(): void {
    this.unsubscribe()
    while (this.waiting.shift() !== undefined) this.lose('shed')
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  protected override arrived(): void {
    if (this.#readers.length === 0) return
    const step = this.#step()
    if (step !== undefined) this.#readers.shift()!.resolve(step)
  }

  protected override failed(reason: unknown): void {
    this.#fault = { reason }
    for (const reader of this.#readers.splice(0)) reader.reject(reason)
  }

  /**
   * The next event that is fit, decoded already: a reader's loop must not end because of what somebody sent.
   * While an asynchronous schema is at work the reader waits for it, and for the next event if this one does not fit.
   */
  #step(): Step | Promise<Step> | undefined {
    const { data } = this.components
    for (let event = this.take(); event !== undefined; event = this.take()) {
      const read = data === undefined ? event : data.read(event, this.schema)
      if (read instanceof Promise)
        return read.then((settled) => (settled === undefined ? this.#again() : stepTo(settled)))
      if (read !== undefined) return stepTo(read)
      this.lost()
    }
    return undefined
  }

  #again(): Promise<Step> {
    this.lost()
    return this.next()
  }
}

const stepTo = (value: AmcpEvent): Step => ({ value, done: false })
