import { createHash, hash } from 'node:crypto'
import { plainBytes } from './plain-bytes.ts'

/** SHA-256 over the concatenation of the parts; one part takes the short way without a hash object. */
export function nodeSha256(...parts: Uint8Array[]): Uint8Array {
  if (parts.length === 1) return plainBytes(hash('sha256', parts[0]!, 'buffer'))
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return plainBytes(digest.digest())
}
