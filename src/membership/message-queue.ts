import type { Clock } from '../core/clock.ts'
import { AmcpError } from '../core/errors.ts'
import type { MessageStream } from '../network/network.ts'

/** Messages that wait to be read; a hello needs two. */
const QUEUE_LIMIT = 4

/**
 * Reads a stream of few messages one after the other, until a deadline that counts for all of them together.
 * `next()` rejects with ERR_STREAM_CLOSED when the stream ends or the time is over.
 */
export class MessageQueue implements Disposable {
  readonly #messages: Uint8Array[] = []
  readonly #timer: { cancel(): void }
  #waiting: { resolve: (message: Uint8Array) => void; reject: (reason: Error) => void } | undefined
  #failure: AmcpError | undefined

  constructor(stream: MessageStream, clock: Clock, ms: number) {
    this.#timer = clock.after(ms, () => this.#fail(new AmcpError('ERR_STREAM_CLOSED', `no answer within ${ms} ms`)))
    stream.onMessage((message) => this.#take(message))
    stream.onClose((cause) => this.#fail(new AmcpError('ERR_STREAM_CLOSED', 'the stream was closed', { cause })))
  }

  next(): Promise<Uint8Array> {
    const message = this.#messages.shift()
    if (message !== undefined) return Promise.resolve(message)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  [Symbol.dispose](): void {
    this.#timer.cancel()
  }

  #take(message: Uint8Array): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) waiting.resolve(message)
    else if (this.#messages.length < QUEUE_LIMIT) this.#messages.push(message)
    else this.#fail(new AmcpError('ERR_STREAM_CLOSED', 'more messages than a hello has'))
  }

  #fail(failure: AmcpError): void {
    this.#failure ??= failure
    this.#waiting?.reject(this.#failure)
    this.#waiting = undefined
  }
}
