/**
 * Text and bytes, as fast as the runtime allows: Node's own Buffer functions where they exist, TextEncoder in browsers.
 * The one place of the codec that knows which runtime it is in.
 */
export interface ByteFunctions {
  /** Memory that may hold anything; never shared with other callers. */
  allocate(length: number): Uint8Array
  /** Writes as much as fits and returns how many bytes were written. */
  writeUtf8(target: Uint8Array, text: string, at: number): number
  utf8Length(text: string): number
  /** Malformed bytes become U+FFFD. */
  readUtf8(source: Uint8Array, from: number, to: number): string
  /** One character a byte, for bytes known to be ASCII. */
  readLatin1(source: Uint8Array, from: number, to: number): string
  /** Lower case. */
  readHex(source: Uint8Array, from: number, to: number): string
}

/** Buffer's undocumented but stable primitives; they work on any Uint8Array as `this`. */
interface NodePrimitives {
  utf8Write(this: Uint8Array, text: string, at: number, length: number): number
  utf8Slice(this: Uint8Array, from: number, to: number): string
  latin1Slice(this: Uint8Array, from: number, to: number): string
  hexSlice(this: Uint8Array, from: number, to: number): string
}

const encoder: TextEncoder = new TextEncoder()
const lenient: TextDecoder = new TextDecoder('utf-8', { ignoreBOM: true })
const strict: TextDecoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export const webBytes: ByteFunctions = {
  allocate: (length) => new Uint8Array(length),
  writeUtf8: (target, text, at) => encoder.encodeInto(text, target.subarray(at)).written,
  utf8Length: (text) => encoder.encode(text).length,
  readUtf8: (source, from, to) => lenient.decode(source.subarray(from, to)),
  readLatin1(source, from, to) {
    let text = ''
    for (let at = from; at < to; at++) text += String.fromCharCode(source[at]!)
    return text
  },
  readHex(source, from, to) {
    let text = ''
    for (let at = from; at < to; at++) text += HEX[source[at]!]
    return text
  },
}

function nodeBytes(): ByteFunctions {
  const { utf8Write, utf8Slice, latin1Slice, hexSlice } = Buffer.prototype as unknown as NodePrimitives
  return {
    allocate: (length) => new Uint8Array(Buffer.allocUnsafeSlow(length).buffer),
    writeUtf8: (target, text, at) => utf8Write.call(target, text, at, target.length - at),
    utf8Length: (text) => Buffer.byteLength(text),
    readUtf8: (source, from, to) => utf8Slice.call(source, from, to),
    readLatin1: (source, from, to) => latin1Slice.call(source, from, to),
    readHex: (source, from, to) => hexSlice.call(source, from, to),
  }
}

/** What the codec uses: Buffer's functions where there is a Buffer. */
export const bytes: ByteFunctions = typeof globalThis.Buffer === 'function' ? nodeBytes() : webBytes

/** The text of UTF-8 bytes, or undefined when they are malformed. */
export function strictUtf8(source: Uint8Array, from: number, to: number): string | undefined {
  const text = bytes.readUtf8(source, from, to)
  // A replacement character is either genuine or the trace of malformed bytes: only then the slow decoder must say.
  if (!text.includes('\uFFFD')) return text
  try {
    return strict.decode(source.subarray(from, to))
  } catch {
    return undefined
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
