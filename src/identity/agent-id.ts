import type { Crypto } from '../core/crypto.ts'
import type { AgentId } from '../core/ids.ts'
import { writeUint32 } from '../events/frame/fixed-width.ts'

/** Bits of an agent's id that name its origin, of the 122 that UUIDv8 leaves free. */
const ORIGIN_BITS = 64n
const NAME_BITS = 58n
/** What stands behind the type. */
const NONCE = Uint8Array.of(0)
const NAME = Uint8Array.of(1)
const encoder = new TextEncoder()

/**
 * The id of an agent that only its origin can mint: UUIDv8 of 64 bits of SHA-256(origin key) and 58 bits of
 * SHA-256(origin key, length of the type, type, 1 and the name or 0 and a nonce). So a named agent has the same id after a
 * restart, the id says whom to ask first, and no name or nonce can be mistaken for another.
 * @param originKey the origin context's public key, 32 bytes
 * @param name the agent's name, or random bytes for an agent without one
 */
export function mintAgentId(crypto: Crypto, originKey: Uint8Array, type: string, name: string | Uint8Array): AgentId {
  const typeBytes = encoder.encode(type)
  const length = new Uint8Array(4)
  writeUint32(length, 0, typeBytes.length)
  const rest = typeof name === 'string' ? [NAME, encoder.encode(name)] : [NONCE, name]
  const digest = crypto.sha256(originKey, length, typeBytes, ...rest)
  return uuidOf((originBits(crypto, originKey) << NAME_BITS) | (firstBits(digest, 64n) >> (64n - NAME_BITS)))
}

/** Whether the context with this key may have minted the id. */
export function isMintedBy(crypto: Crypto, agent: AgentId, originKey: Uint8Array): boolean {
  return originOf(agent) === originTag(crypto, originKey)
}

/** What ids minted by a context begin with: 64 bits as 16 hexadecimal digits. */
export const originTag = (crypto: Crypto, originKey: Uint8Array): string => hex(originBits(crypto, originKey), 16)

/** The origin's tag inside an agent's id. */
export function originOf(agent: AgentId): string {
  const digits = agent.replaceAll('-', '')
  // 12 digits, the version, 3 digits, then the variant's two bits before the last four bits of the tag.
  const variant = Number.parseInt(digits.slice(16, 18), 16)
  return digits.slice(0, 12) + digits.slice(13, 16) + ((variant >> 2) & 0xf).toString(16)
}

const originBits = (crypto: Crypto, key: Uint8Array): bigint => firstBits(crypto.sha256(key), ORIGIN_BITS)

const firstBits = (bytes: Uint8Array, count: bigint): bigint =>
  new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0) >> (64n - count)

const hex = (value: bigint, digits: number): string => value.toString(16).padStart(digits, '0')

/** Lays 122 bits around the version (8) and the variant (binary 10). */
function uuidOf(bits: bigint): AgentId {
  const high = bits >> 74n
  const middle = (bits >> 62n) & 0xfffn
  const low = (bits & ((1n << 62n) - 1n)) | (1n << 63n)
  const digits = `${hex(high, 12)}8${hex(middle, 3)}${hex(low, 16)}`
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  )
}
