import { createHash, hash } from 'node:crypto'

/** SHA-256 over the concatenation of the parts; one part takes the short way without a hash object. */
export function nodeSha256(...parts: Uint8Array[]): Uint8Array {
  if (parts.length === 1) return plain(hash('sha256', parts[0]!, 'buffer'))
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return plain(digest.digest())
}

/** A Buffer's bytes as a plain Uint8Array, which compares and prints like those of other platforms. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
