import { AmcpError } from '../../core/errors.ts'
import { strictUtf8 } from './bytes.ts'

/** The one error for bytes that are no frame or envelope; `reason` is stable, so that refusals can be counted by it. */
export function frameInvalid(reason: string): AmcpError {
  return new AmcpError('ERR_FRAME_INVALID', `the frame is malformed: ${reason}`, { details: { reason } })
}

/** Eight groups of seven bits hold every safe integer. */
const LONGEST_VARINT = 8

/** Reads within [at, end) of some bytes. Every method throws ERR_FRAME_INVALID rather than read beyond the end. */
export class ByteReader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get remaining(): number {
    return this.end - this.at
  }

  byte(): number {
    if (this.at >= this.end) throw frameInvalid('truncated')
    return this.bytes[this.at++]!
  }

  /** An unsigned LEB128 number in its shortest form, at most Number.MAX_SAFE_INTEGER. */
  varint(): number {
    if (this.at >= this.end) throw frameInvalid('truncated')
    const first = this.bytes[this.at]!
    if (first < 128) {
      this.at++
      return first
    }
    return this.#longVarint()
  }

  #longVarint(): number {
    let value = 0
    let scale = 1
    for (let length = 0; length < LONGEST_VARINT; length++) {
      const byte = this.byte()
      value += (byte & 127) * scale
      if (byte < 128) {
        if (byte === 0 || value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      scale *= 128
    }
    throw frameInvalid('varint')
  }

  /** A signed number, zigzag coded. */
  signedVarint(): number {
    const value = this.varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** Steps over `length` bytes and returns where they start. */
  skip(length: number): number {
    const from = this.at
    if (length > this.end - from) throw frameInvalid('truncated')
    this.at = from + length
    return from
  }

  /** A view of `length` bytes. */
  view(length: number): Uint8Array {
    const from = this.skip(length)
    return this.bytes.subarray(from, from + length)
  }

  /** Length and UTF-8. */
  text(): string {
    const length = this.varint()
    const from = this.skip(length)
    const text = strictUtf8(this.bytes, from, from + length)
    if (text === undefined) throw frameInvalid('utf8')
    return text
  }
}
