import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { MessageStream } from '../network.ts'
import type { Environment } from './conditions.ts'
import type { LinkEnd, StreamHalf } from './link-end.ts'

export const MAX_MESSAGE: number = 4 * 1024 * 1024
/** Bytes under way, or not taken by a listener yet, from which on `send` says that the buffer is full. */
const WRITE_BUFFER = 1024 * 1024
const CONTROL = 64
/** What the length in front of a message costs. */
const OVERHEAD = 4

type State = 'open' | 'closing' | 'ended'

export interface SimulatedStreamOptions {
  /** Bytes of the longest message that may come. */
  readonly messageLimit: number
  /** The half that the other end opened. */
  readonly other?: StreamHalf
}

/** A stream between two ends of a simulated link. */
export class SimulatedStream implements MessageStream, StreamHalf {
  readonly protocol: string
  /** Whether the other end opened it. */
  readonly isServed: boolean
  readonly #messageLimit: number
  readonly #environment: Environment
  readonly #end: LinkEnd
  #other: StreamHalf | undefined
  #state: State = 'open'
  #reason: Error | undefined
  #buffered = 0
  #kept: { readonly message: Uint8Array; readonly taken: () => void }[] = []
  #listener: ((message: Uint8Array) => void) | undefined
  #closeListener: ((reason?: Error) => void) | undefined
  #drains: (() => void)[] = []
  #closes: (() => void)[] = []

  constructor(environment: Environment, end: LinkEnd, protocol: string, options: SimulatedStreamOptions) {
    const { messageLimit, other } = options
    this.isServed = other !== undefined
    this.#messageLimit = messageLimit
    this.#environment = environment
    this.#end = end
    this.protocol = protocol
    this.#other = other
    end.streams.add(this)
  }

  get peer(): ContextId {
    return this.#end.peer
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get buffered(): number {
    return this.#buffered
  }

  join(other: StreamHalf): void {
    this.#other = other
  }

  send(...parts: Uint8Array[]): boolean {
    const message = parts.length === 1 ? parts[0]! : concat(parts)
    const size = message.length
    if (size > MAX_MESSAGE)
      throw new AmcpError('ERR_EVENT_TOO_LARGE', `a message of ${size} bytes exceeds the ${MAX_MESSAGE} of a stream`, {
        details: { size, limit: MAX_MESSAGE },
      })
    if (this.#state !== 'open')
      throw new AmcpError('ERR_STREAM_CLOSED', `the stream ${this.protocol} to ${this.peer} is closed`)
    const bytes = size + OVERHEAD
    this.#buffered += bytes
    const taken = (): void => this.#taken(bytes)
    this.#end.transmit(bytes, () => this.#other?.arrive(message, taken))
    return this.#buffered < WRITE_BUFFER
  }

  drained(): Promise<void> {
    if (this.#buffered === 0) return Promise.resolve()
    return new Promise((resolve) => this.#drains.push(resolve))
  }

  onMessage(listener: (message: Uint8Array) => void): void {
    this.#listener = listener
    for (const { message, taken } of this.#kept.splice(0)) this.#hand(message, taken)
  }

  onClose(listener: (reason?: Error) => void): void {
    this.#closeListener = listener
    if (this.#state === 'ended') listener(this.#reason)
  }

  async close(): Promise<void> {
    if (this.#state === 'ended') return
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.#tellClosed()
    }
    await new Promise<void>((resolve) => this.#closes.push(resolve))
  }

  abort(reason: Error): void {
    if (this.#state === 'ended') return
    this.#end.transmit(CONTROL, () =>
      this.#other?.broken(new AmcpError('ERR_STREAM_CLOSED', 'the other end reset the stream', { retryable: true })),
    )
    this.#finish(reason)
  }

  arrive(message: Uint8Array, taken: () => void): void {
    if (this.#state === 'ended') return
    if (message.length > this.#messageLimit) {
      this.abort(new AmcpError('ERR_FRAME_INVALID', `a stream message of ${message.length} bytes came`))
      return
    }
    if (this.#listener === undefined) this.#kept.push({ message, taken })
    else this.#hand(message, taken)
  }

  remoteClosed(): void {
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.#tellClosed()
    }
    this.#finish(undefined)
  }

  broken(reason: Error): void {
    this.#finish(reason)
  }

  vanish(): void {
    this.#state = 'ended'
    this.#drains = []
    this.#closes = []
    this.#closeListener = undefined
  }

  #tellClosed(): void {
    this.#end.transmit(CONTROL, () => this.#other?.remoteClosed())
  }

  #hand(message: Uint8Array, taken: () => void): void {
    const at = this.#environment.clock.monotonic()
    const { peer: from, owner } = this.#end
    this.#environment.observe({ at, kind: 'stream', from, to: owner.id, what: this.protocol, bytes: message.length })
    taken()
    this.#listener?.(message)
  }

  #taken(bytes: number): void {
    if (this.#state === 'ended') return
    this.#buffered -= bytes
    if (this.#buffered === 0) this.#release(this.#drains)
  }

  #finish(reason: Error | undefined): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#reason = reason
    this.#buffered = 0
    this.#end.streams.delete(this)
    this.#release(this.#drains)
    this.#release(this.#closes)
    this.#closeListener?.(reason)
  }

  #release(waiting: (() => void)[]): void {
    for (const resolve of waiting.splice(0)) resolve()
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const part of parts) size += part.length
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
