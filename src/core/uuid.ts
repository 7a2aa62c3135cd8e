const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The canonical, lower-case text of 16 bytes, with the version and RFC 9562's variant written over their bits. */
export function uuidOf(bytes: Uint8Array, version: 4 | 8): string {
  if (bytes.length !== 16) throw new RangeError(`a UUID has 16 bytes, got ${bytes.length}`)
  let text = ''
  for (let at = 0; at < 16; at += 1) {
    let byte = bytes[at]!
    if (at === 6) byte = (byte & 0x0f) | (version << 4)
    if (at === 8) byte = (byte & 0x3f) | 0x80
    if (at === 4 || at === 6 || at === 8 || at === 10) text += '-'
    text += HEX[byte]!
  }
  return text
}
