import type { Clock, Timer } from '../core/clock.ts'
import type { Counters } from '../core/counters.ts'
import { AmcpError } from '../core/errors.ts'
import { readCredit, writeCredit } from './credit-message.ts'
import type { MessageStream } from './network.ts'
import { PartsQueue } from './parts-queue.ts'

const MEBIBYTE = 1024 * 1024
/** A receiver says what it has taken in when a quarter of its window has come, or this many ms after the first byte. */
const GRANT_DELAY = 20

export interface CreditLinkOptions {
  /**
   * Bytes that the other end may have under way to this one. Higher fills long fat links, and costs memory here
   * when this process is slow. No message may be larger than the window of the end that receives it.
   * @default 4 MiB
   */
  window?: number
  /** Bytes that may wait here for credit and for the transport. @default 4 MiB */
  queue?: number
}

export interface CreditLinkComponents {
  readonly clock: Clock
  readonly counters: Counters
}

/**
 * A long-lived stream between two contexts on which neither end can have more bytes under way than the other granted.
 * Both ends grant as soon as the link is made; nothing is sent before. Grants themselves need no credit. What is done
 * after the end of the stream is the owner's business: `unacknowledged` says how much may have been lost.
 */
export class CreditLink {
  readonly #stream: MessageStream
  readonly #clock: Clock
  readonly #counters: Counters
  readonly #window: number
  readonly #capacity: number
  readonly #queue = new PartsQueue()
  readonly #flushed: (() => void)[] = []
  #onMessage: ((message: Uint8Array) => void) | undefined
  #onWritable: (() => void) | undefined
  #onAcknowledged: ((bytes: number) => void) | undefined
  #sent = 0
  #acknowledged = 0
  #allowed = 0
  #theirWindow: number | undefined
  #received = 0
  #granted = 0
  #told = 0
  #grantTimer: Timer | undefined
  #isTransportFull = false
  #wantsRoom = false
  #isClosing = false
  #hasEnded = false

  constructor(
    stream: MessageStream,
    { clock, counters }: CreditLinkComponents,
    { window = 4 * MEBIBYTE, queue = 4 * MEBIBYTE }: CreditLinkOptions = {},
  ) {
    this.#stream = stream
    this.#clock = clock
    this.#counters = counters
    this.#window = window
    this.#capacity = queue
    stream.onMessage((message) => this.#take(message))
    stream.onClose(() => this.#end())
    this.#grant()
  }

  get peer(): string {
    return this.#stream.peer
  }

  get isOpen(): boolean {
    return !this.#isClosing && !this.#hasEnded && this.#stream.isOpen
  }

  /** Bytes that wait here, not handed to the transport yet. */
  get queued(): number {
    return this.#queue.bytes
  }

  /** Bytes handed to the transport since the link was made. */
  get sent(): number {
    return this.#sent
  }

  /** Bytes that the other end has said it took in; `sent - acknowledged` is what is still in the credit window. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  get unacknowledged(): number {
    return this.#sent - this.#acknowledged
  }

  /** Bytes that may be sent at once. */
  get credit(): number {
    return this.#allowed - this.#sent
  }

  /** Whether a message of `bytes` would be taken now. */
  isWritable(bytes: number): boolean {
    return this.isOpen && (this.#queue.isEmpty || this.#queue.bytes + bytes <= this.#capacity)
  }

  /**
   * Takes the concatenation of the parts as one message: sends it, or lets it wait for credit. False when the queue has
   * no room for it; `onWritable` tells when to try again. ERR_STREAM_CLOSED, ERR_EVENT_TOO_LARGE (above the window).
   */
  send(...parts: Uint8Array[]): boolean {
    if (!this.isOpen) throw new AmcpError('ERR_STREAM_CLOSED', `the link to ${this.peer} is closed`)
    let size = 0
    for (let at = 0; at < parts.length; at += 1) size += parts[at]!.length
    const limit = this.#theirWindow ?? this.#window
    if (size > limit)
      throw new AmcpError('ERR_EVENT_TOO_LARGE', `a message of ${size} bytes exceeds the window of the link`, {
        details: { size, limit },
      })
    if (this.#queue.isEmpty && !this.#isTransportFull && size <= this.#allowed - this.#sent) {
      this.#pass(parts, size)
      return true
    }
    if (!this.isWritable(size)) {
      this.#wantsRoom = true
      this.#counters.add('link.full')
      return false
    }
    this.#queue.push(parts, size)
    return true
  }

  /** Set once, when the link is made. Messages of the other end, in order, without its grants. */
  onMessage(listener: (message: Uint8Array) => void): void {
    this.#onMessage = listener
  }

  /** Called when the queue is half empty after a message found no room, so that writers do not take turns by the byte. */
  onWritable(listener: () => void): void {
    this.#onWritable = listener
  }

  /** Called with the cumulative count each time the other end says what it took in. */
  onAcknowledged(listener: (bytes: number) => void): void {
    this.#onAcknowledged = listener
  }

  /** Called once, without a reason after a close by either end. */
  onClose(listener: (reason?: Error) => void): void {
    this.#stream.onClose((reason) => {
      this.#end()
      listener(reason)
    })
  }

  /** Takes nothing more, sends what waits as credit comes, then closes the stream. */
  async close(): Promise<void> {
    if (this.#isClosing || this.#hasEnded) return
    this.#isClosing = true
    if (!this.#queue.isEmpty) await new Promise<void>((resolve) => this.#flushed.push(resolve))
    if (this.#hasEnded) return
    this.#grantTimer?.cancel()
    await this.#stream.close()
  }

  abort(reason: Error): void {
    this.#stream.abort(reason)
    this.#end()
  }

  /** A stream may break before it says so: that ends the link, and is no fault of who writes, or of a timer. */
  #write(...parts: Uint8Array[]): boolean {
    try {
      return this.#stream.send(...parts)
    } catch (error) {
      this.#counters.add('link.write-failed')
      this.abort(error instanceof Error ? error : new Error(String(error)))
      return true
    }
  }

  #pass(parts: Uint8Array[], size: number): void {
    this.#sent += size
    if (this.#write(...parts)) return
    this.#isTransportFull = true
    this.#stream.drained().then(
      () => this.#pump(),
      (reason: unknown) => this.abort(reason instanceof Error ? reason : new Error(String(reason))),
    )
  }

  #pump(): void {
    this.#isTransportFull = false
    if (this.#hasEnded || !this.#stream.isOpen) return
    while (!this.#isTransportFull && !this.#queue.isEmpty && this.#queue.nextSize <= this.#allowed - this.#sent) {
      const size = this.#queue.nextSize
      this.#pass(this.#queue.shift(), size)
    }
    if (this.#queue.isEmpty) this.#resolveFlushed()
    if (!this.#wantsRoom || this.#queue.bytes * 2 > this.#capacity) return
    this.#wantsRoom = false
    this.#onWritable?.()
  }

  #take(message: Uint8Array): void {
    const credit = readCredit(message)
    if (credit !== undefined) {
      this.#credit(credit.received, credit.granted)
      return
    }
    this.#received += message.length
    if (this.#received > this.#granted) {
      this.#counters.add('link.window-exceeded')
      this.abort(new AmcpError('ERR_FRAME_INVALID', `${this.peer} sent more than it was granted`))
      return
    }
    this.#onMessage?.(message)
    if ((this.#received - this.#told) * 4 >= this.#window) this.#grant()
    else this.#grantTimer ??= this.#clock.after(GRANT_DELAY, () => this.#grant())
  }

  #credit(received: number, granted: number): void {
    if (received < this.#acknowledged || received > this.#sent || granted < this.#allowed) {
      this.#counters.add('link.credit-invalid')
      this.abort(new AmcpError('ERR_FRAME_INVALID', `${this.peer} sent a credit that cannot be`))
      return
    }
    this.#theirWindow ??= granted - received
    this.#allowed = granted
    if (received > this.#acknowledged) {
      this.#acknowledged = received
      this.#onAcknowledged?.(received)
    }
    if (this.#queue.isEmpty) return
    if (this.#queue.largest > this.#theirWindow) {
      this.#counters.add('link.window-too-small')
      this.abort(new AmcpError('ERR_EVENT_TOO_LARGE', `the window of ${this.peer} is smaller than what waits for it`))
      return
    }
    if (!this.#isTransportFull) this.#pump()
  }

  #grant(): void {
    this.#grantTimer?.cancel()
    this.#grantTimer = undefined
    if (this.#hasEnded || !this.#stream.isOpen) return
    this.#told = this.#received
    this.#granted = this.#received + this.#window
    this.#write(writeCredit(this.#received, this.#granted))
  }

  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#grantTimer?.cancel()
    if (!this.#queue.isEmpty) this.#counters.add('link.unsent-bytes', this.#queue.bytes)
    this.#queue.clear()
    this.#resolveFlushed()
  }

  #resolveFlushed(): void {
    for (const resolve of this.#flushed.splice(0)) resolve()
  }
}
