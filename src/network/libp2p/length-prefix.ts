import { AmcpError } from '../../core/errors.ts'
import { MessageParts } from './message-parts.ts'

/** Largest message that a stream carries: that of the state and direct protocols, of which none needs more. */
export const MESSAGE_LIMIT: number = 4 * 1024 * 1024

const HEADER = 4

/**
 * In the place of a length: the sender has closed the stream, having sent everything. An end without it was not the
 * sender's doing, but its link's, whose muxer closes all streams as if they had ended well.
 */
const END = 0xffff_ffff
export const END_MARK: Uint8Array = Uint8Array.of(0xff, 0xff, 0xff, 0xff)

/** Messages up to this size are joined with their header: one small copy is cheaper than a second write. */
const JOIN_LIMIT = 8 * 1024

/**
 * What goes on the wire for one message: its length as u32, little endian, and its bytes.
 * Large parts are passed on as they are. Throws ERR_EVENT_TOO_LARGE.
 */
export function prefixed(parts: readonly Uint8Array[]): Uint8Array[] {
  let length = 0
  for (const part of parts) length += part.length
  if (length > MESSAGE_LIMIT)
    throw new AmcpError('ERR_EVENT_TOO_LARGE', `a stream message has at most ${MESSAGE_LIMIT} bytes, not ${length}`, {
      details: { size: length, limit: MESSAGE_LIMIT },
    })
  const joined = new Uint8Array(length <= JOIN_LIMIT ? HEADER + length : HEADER)
  joined[0] = length
  joined[1] = length >>> 8
  joined[2] = length >>> 16
  joined[3] = length >>> 24
  if (length > JOIN_LIMIT) return [joined, ...parts]
  let at = HEADER
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return [joined]
}

/**
 * Cuts a stream of chunks into messages. A message that lies within one chunk is a view of that chunk; another is copied
 * once, when its last byte is there, so that an announced length alone reserves no memory.
 */
export class PrefixReader {
  readonly #onMessage: (message: Uint8Array) => void
  readonly #limit: number
  readonly #header = new Uint8Array(HEADER)
  /** Bytes of the header read so far. */
  #headerAt = 0
  /** Length of the message being read; -1 while its header is. */
  #length = -1
  readonly #parts = new MessageParts()
  /** Whether the other end has said that nothing more comes. */
  hasEnded = false

  /** @param limit bytes of the longest message */
  constructor(onMessage: (message: Uint8Array) => void, limit: number = MESSAGE_LIMIT) {
    this.#onMessage = onMessage
    this.#limit = limit
  }

  /** Throws ERR_FRAME_INVALID for a length above the limit and for bytes behind the end; nothing can be read after that. */
  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      if (this.hasEnded)
        throw new AmcpError('ERR_FRAME_INVALID', 'bytes came behind the end of a stream', {
          details: { reason: 'trailing bytes' },
        })
      if (this.#length < 0) {
        at = this.#readHeader(chunk, at)
        if (this.#length === 0) this.#finish(chunk.subarray(at, at))
        continue
      }
      const end = Math.min(chunk.length, at + this.#length - this.#parts.bytes)
      const part = chunk.subarray(at, end)
      at = end
      if (this.#parts.bytes + part.length === this.#length) this.#finish(part)
      else this.#parts.keep(part)
    }
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    let at = from
    while (this.#headerAt < HEADER && at < chunk.length) this.#header[this.#headerAt++] = chunk[at++]!
    if (this.#headerAt < HEADER) return at
    const [a, b, c, d] = this.#header as unknown as [number, number, number, number]
    const length = (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
    if (length === END) {
      this.hasEnded = true
      return at
    }
    if (length > this.#limit)
      throw new AmcpError('ERR_FRAME_INVALID', `a stream message of ${length} bytes was announced`, {
        details: { reason: 'length', length },
      })
    this.#headerAt = 0
    this.#length = length
    return at
  }

  #finish(last: Uint8Array): void {
    this.#length = -1
    this.#onMessage(this.#parts.join(last))
  }
}
