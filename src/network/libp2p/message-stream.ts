import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import { plainBytes } from '../../core/plain-bytes.ts'
import type { Ports } from '../../core/ports.ts'
import type { MessageStream } from '../network.ts'
import { END_MARK, PrefixReader, prefixed } from './length-prefix.ts'

/** Bytes kept for a listener that is not set yet before the other end is told to pause. */
const KEEP_LIMIT = 1024 * 1024

/** A MessageStream over one libp2p stream, whose window is the back-pressure. */
export class Libp2pMessageStream implements MessageStream {
  readonly peer: ContextId
  readonly protocol: string
  readonly #stream: Stream
  readonly #reader: PrefixReader
  readonly #ports: Pick<Ports, 'counters' | 'logger'>
  #listener: ((message: Uint8Array) => void) | undefined
  #first: (() => void) | undefined
  #closeListener: ((reason?: Error) => void) | undefined
  #kept: Uint8Array[] = []
  #keptBytes = 0
  #closing = false
  /** Set once: whether it ended well, or why not. */
  #end: { readonly reason: Error | undefined } | undefined
  #remoteEnded = false

  /** @param messageLimit bytes of the longest message that may come */
  constructor(
    stream: Stream,
    peer: ContextId,
    protocol: string,
    ports: Pick<Ports, 'counters' | 'logger'>,
    messageLimit?: number,
  ) {
    this.#ports = ports
    this.peer = peer
    this.protocol = protocol
    this.#stream = stream
    this.#reader = new PrefixReader((message) => this.#take(message), messageLimit)
    stream.addEventListener('message', this.#onData)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteEnd)
    stream.addEventListener('close', this.#onEnd)
    if (stream.status !== 'open') this.#finish(lost())
    else if (stream.remoteWriteStatus === 'closed') this.#onRemoteEnd()
  }

  get isOpen(): boolean {
    return !this.#closing && this.#end === undefined
  }

  get buffered(): number {
    return this.#end === undefined ? this.#stream.writeBufferLength : 0
  }

  send(...parts: Uint8Array[]): boolean {
    if (!this.isOpen || this.#stream.writeStatus !== 'writable')
      throw new AmcpError('ERR_STREAM_CLOSED', `the stream ${this.protocol} to ${this.peer} is closed`)
    let more = true
    for (const piece of prefixed(parts)) more = this.#stream.send(piece)
    return more
  }

  async drained(): Promise<void> {
    // Not `stream.onDrain()`: after its first drain it hands out a promise that is resolved for ever.
    while (this.#end === undefined && (this.#stream.writableNeedsDrain || this.#stream.writeBufferLength > 0))
      await drainOrEnd(this.#stream)
  }

  /** Takes the next message away, telling only that it came; the ones after it are kept for `onMessage`. */
  onFirst(listener: () => void): void {
    this.#first = listener
  }

  onMessage(listener: (message: Uint8Array) => void): void {
    this.#listener = listener
    const kept = this.#kept
    this.#kept = []
    const paused = this.#keptBytes > KEEP_LIMIT
    this.#keptBytes = 0
    for (const message of kept) listener(message)
    if (paused && this.#end === undefined) this.#stream.resume()
  }

  onClose(listener: (reason?: Error) => void): void {
    this.#closeListener = listener
    if (this.#end !== undefined) listener(this.#end.reason)
  }

  async close(): Promise<void> {
    if (!this.isOpen) return
    this.#closing = true
    try {
      if (this.#stream.writeStatus === 'writable') this.#stream.send(END_MARK)
      await this.#stream.close()
    } catch (cause) {
      // The stream ended while it drained: `#onEnd` has told, or tells, the reason.
      this.abort(new AmcpError('ERR_STREAM_CLOSED', 'the stream ended before everything was sent', { cause }))
    }
  }

  abort(reason: Error): void {
    if (this.#end !== undefined) return
    this.#finish(reason)
    this.#stream.abort(reason)
  }

  readonly #onData = ({ data }: StreamMessageEvent): void => {
    try {
      if (data instanceof Uint8Array) this.#reader.push(plainBytes(data))
      else for (const chunk of data) this.#reader.push(plainBytes(chunk))
    } catch (error) {
      this.#broken(error)
    }
  }

  /** Also what the listener throws comes here: that is our own fault, and must not pass for the other end's. */
  #broken(error: unknown): void {
    if (!(error instanceof AmcpError && error.code === 'ERR_FRAME_INVALID')) {
      const { peer, protocol } = this
      this.#ports.counters.add('network.streams.listener-failed')
      this.#ports.logger.error({ peer, protocol, error: String(error) }, 'the listener of a stream threw')
    }
    this.abort(error instanceof Error ? error : new Error(String(error)))
  }

  #take(message: Uint8Array): void {
    if (this.#first !== undefined) {
      const first = this.#first
      this.#first = undefined
      first()
      return
    }
    if (this.#listener !== undefined) {
      this.#listener(message)
      return
    }
    const wasBelow = this.#keptBytes <= KEEP_LIMIT
    this.#kept.push(message)
    this.#keptBytes += message.length + 1
    if (wasBelow && this.#keptBytes > KEEP_LIMIT && this.#stream.status === 'open') this.#stream.pause()
  }

  readonly #onRemoteEnd = (): void => {
    this.#remoteEnded = true
    void this.close()
  }

  readonly #onEnd = ({ error }: StreamCloseEvent): void => {
    // Without the other end's own mark the stream was closed by the end of its link.
    const ended = this.#closing && this.#remoteEnded && this.#reader.hasEnded && error === undefined
    this.#finish(ended ? undefined : lost(error))
  }

  #finish(reason: Error | undefined): void {
    if (this.#end !== undefined) return
    this.#end = { reason }
    this.#closeListener?.(reason)
  }
}

function lost(cause?: Error): AmcpError {
  return new AmcpError('ERR_STREAM_CLOSED', 'the stream was reset, or its link is gone', { cause, retryable: true })
}

/** Resolves at the stream's next sign that it has room, has sent everything, or has ended. */
export function drainOrEnd(stream: Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.removeEventListener('drain', done)
      stream.removeEventListener('idle', done)
      stream.removeEventListener('close', done)
      resolve()
    }
    stream.addEventListener('drain', done)
    stream.addEventListener('idle', done)
    stream.addEventListener('close', done)
  })
}
