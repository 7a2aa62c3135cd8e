import type { ByteReader } from './byte-reader.ts'
import { bytes } from './bytes.ts'

/** Slots of the cache, a power of two: at most 1,024 strings of at most 128 characters are kept. */
const SLOTS = 1024
const LONGEST = 128

const slots: string[] = new Array(SLOTS).fill('')

/**
 * Reads a string, as the same instance each time for short ASCII ones that come often: topics, sources and types.
 * Then nothing is allocated, and maps further on find the hash computed already.
 */
export function internedText(reader: ByteReader): string {
  const before = reader.at
  const length = reader.varint()
  if (length === 0 || length > LONGEST) {
    reader.at = before
    return reader.text()
  }
  const from = reader.skip(length)
  const source = reader.bytes
  const slot = slotOf(source, from, length)
  const known = slots[slot]!
  if (matches(source, from, length, known)) return known
  if (!isAscii(source, from, length)) {
    reader.at = before
    return reader.text()
  }
  const text = bytes.readLatin1(source, from, from + length)
  slots[slot] = text
  return text
}

/** A sample of the bytes is enough: a wrong guess costs one allocation. */
function slotOf(source: Uint8Array, from: number, length: number): number {
  let hash = length
  const step = length > 32 ? 3 : 1
  for (let at = from + length - 1; at >= from; at -= step) hash = (Math.imul(hash, 31) + source[at]!) | 0
  return (hash ^ (hash >>> 15)) & (SLOTS - 1)
}

function matches(source: Uint8Array, from: number, length: number, text: string): boolean {
  if (text.length !== length) return false
  for (let at = 0; at < length; at++) if (text.charCodeAt(at) !== source[from + at]) return false
  return true
}

function isAscii(source: Uint8Array, from: number, length: number): boolean {
  for (let at = from; at < from + length; at++) if (source[at]! > 127) return false
  return true
}
