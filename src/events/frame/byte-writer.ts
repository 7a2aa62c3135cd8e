import { bytes } from './bytes.ts'

/** How many bytes a number takes as a varint. */
export function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++
  return length
}

/** Appends to memory that it keeps and grows. Callers reserve room with `ensure`; the small writes do not check. */
export class ByteWriter {
  bytes: Uint8Array
  at = 0

  constructor(capacity: number) {
    this.bytes = bytes.allocate(capacity)
  }

  /** Makes room for `length` more bytes. */
  ensure(length: number): void {
    const needed = this.at + length
    if (needed <= this.bytes.length) return
    const grown = bytes.allocate(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
  }

  byte(value: number): void {
    this.bytes[this.at++] = value
  }

  /** Unsigned LEB128 of a safe integer. */
  varint(value: number): void {
    const target = this.bytes
    let at = this.at
    let rest = value
    while (rest > 0x7fff_ffff) {
      target[at++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    while (rest > 127) {
      target[at++] = (rest & 127) | 128
      rest >>>= 7
    }
    target[at++] = rest
    this.at = at
  }

  /** Zigzag, so that small negative numbers stay short. */
  signedVarint(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2)
  }

  raw(source: Uint8Array): void {
    this.ensure(source.length)
    this.bytes.set(source, this.at)
    this.at += source.length
  }

  /** Length and bytes. */
  block(source: Uint8Array): void {
    this.ensure(source.length + 8)
    this.varint(source.length)
    this.raw(source)
  }

  /** Length and UTF-8, in one pass: the length of ASCII is guessed right, other text is moved by a byte now and then. */
  text(text: string): void {
    const most = text.length * 3 + 8
    this.ensure(most <= this.bytes.length - this.at ? most : bytes.utf8Length(text) + 8)
    const from = this.at
    const guessed = varintLength(text.length)
    const length = bytes.writeUtf8(this.bytes, text, from + guessed)
    const width = varintLength(length)
    if (width !== guessed) this.bytes.copyWithin(from + width, from + guessed, from + guessed + length)
    this.varint(length)
    this.at += length
  }
}
