import { fromString as decodeText } from 'uint8arrays/from-string'
import { toString as encodeBytes } from 'uint8arrays/to-string'

/** A context's libp2p peer id in base58 (`12D3Koo…`): the identity multihash of its Ed25519 public key. */
export type ContextId = string
/** A UUID of version 8 that only its origin context can mint (PROTOCOL.md, agent ids). */
export type AgentId = string

const AGENT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether a text has the form of an agent's id: so a call's target is told from the name of a capability. */
export function isAgentId(text: string): boolean {
  return text.length === 36 && AGENT_ID.test(text)
}

/** protobuf PublicKey { Type: Ed25519, Data: 32 bytes } inside an identity multihash. */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)
const KEY_LENGTH = 32

/** The context id of a 32-byte Ed25519 public key. */
export function contextIdOf(publicKey: Uint8Array): ContextId {
  if (publicKey.length !== KEY_LENGTH) throw new RangeError(`an Ed25519 key has 32 bytes, got ${publicKey.length}`)
  const bytes = new Uint8Array(PEER_ID_PREFIX.length + KEY_LENGTH)
  bytes.set(PEER_ID_PREFIX)
  bytes.set(publicKey, PEER_ID_PREFIX.length)
  return encodeBytes(bytes, 'base58btc')
}

/** The public key inside a context id. Throws TypeError for anything that is not an Ed25519 peer id. */
export function publicKeyOf(context: ContextId): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = decodeText(context, 'base58btc')
  } catch (cause) {
    throw new TypeError(`not a context id: ${context}`, { cause })
  }
  const prefixed = PEER_ID_PREFIX.every((byte, at) => bytes[at] === byte)
  if (!prefixed || bytes.length !== PEER_ID_PREFIX.length + KEY_LENGTH)
    throw new TypeError(`not a context id: ${context}`)
  return bytes.subarray(PEER_ID_PREFIX.length)
}
