/**
 * A plain Uint8Array over the same memory. Node hands over Buffers, whose `slice` and JSON form are others, and whose
 * hidden class makes hot loops see two.
 */
export function plainBytes(source: Uint8Array): Uint8Array {
  return source.constructor === Uint8Array ? source : new Uint8Array(source.buffer, source.byteOffset, source.length)
}
