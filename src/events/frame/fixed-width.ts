const LOW = 0x1_0000_0000
/** One more than the largest number of 48 bits. */
const LIMIT = 0x1_0000_0000_0000

/** Little endian, 6 bytes: milliseconds until the year 10889, and counters that never run out. RangeError. */
export function writeUint48(target: Uint8Array, at: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= LIMIT) throw new RangeError(`not a number of 48 bits: ${value}`)
  const high = Math.floor(value / LOW)
  target[at] = value
  target[at + 1] = value >>> 8
  target[at + 2] = value >>> 16
  target[at + 3] = value >>> 24
  target[at + 4] = high
  target[at + 5] = high >>> 8
}

export function readUint48(source: Uint8Array, at: number): number {
  const low = (source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24)) >>> 0
  return low + (source[at + 4]! | (source[at + 5]! << 8)) * LOW
}

/** Little endian, 4 bytes. */
export function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value
  target[at + 1] = value >>> 8
  target[at + 2] = value >>> 16
  target[at + 3] = value >>> 24
}

export function readUint32(source: Uint8Array, at: number): number {
  return (source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24)) >>> 0
}
