import { fromString } from 'uint8arrays/from-string'
import { toString as encodeBytes } from 'uint8arrays/to-string'

const PREFIX = 'did:key:z'
/** Multicodec of an Ed25519 public key. */
const CODEC = [0xed, 0x01]

/** An Ed25519 public key as a decentralised identifier. @see did:key method, W3C CCG */
export const didKeyOf = (publicKey: Uint8Array): string =>
  PREFIX + encodeBytes(Uint8Array.of(...CODEC, ...publicKey), 'base58btc')

/** The key in a did:key. TypeError for anything else. */
export function publicKeyOfDid(did: string): Uint8Array {
  const fail = (cause?: unknown): TypeError =>
    new TypeError(`not a did:key of an Ed25519 key: ${did.slice(0, 80)}`, { cause })
  if (!did.startsWith(PREFIX)) throw fail()
  let bytes: Uint8Array
  try {
    bytes = fromString(did.slice(PREFIX.length), 'base58btc')
  } catch (cause) {
    throw fail(cause)
  }
  if (bytes.length !== 34 || bytes[0] !== CODEC[0] || bytes[1] !== CODEC[1]) throw fail()
  return bytes.subarray(2)
}
