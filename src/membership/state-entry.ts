import { fromString } from 'uint8arrays/from-string'
import { toString as textOf } from 'uint8arrays/to-string'
import type { Crypto } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import { publicKeyOf } from '../core/ids.ts'
import type { StateBody } from './state-body.ts'
import { isHex16, isShortText, isWhole } from './wire-fields.ts'

/** The owner asks every member to acknowledge this version. */
export const FLAG_ACKNOWLEDGE = 1
/** The owner has left in good order: it is absent at once. */
export const FLAG_LEFT = 2

/**
 * What is signed and renewed: small, so that a renewal costs some 300 bytes however much the context offers.
 * Body and membership are named by the first 16 bytes of their SHA-256, in hex.
 */
export interface StateHead {
  readonly context: ContextId
  /** 16 bytes in hex. */
  readonly incarnation: string
  readonly version: number
  /** The version this incarnation began with: of two lives of one key, the one with the larger is the later. */
  readonly since: number
  readonly flags: number
  /** Another incarnation of this key that the owner has seen: proves to it that the owner lived after it appeared. */
  readonly rival: string
  readonly body: string
  readonly membership: string
}

/** One context's entry in the gossiped map, as its owner signed it. */
export interface StateEntry {
  readonly head: StateHead
  readonly headBytes: Uint8Array
  readonly signature: Uint8Array
  readonly body: StateBody
  readonly bodyBytes: Uint8Array
  readonly membership: Uint8Array
}

export const HEAD_LIMIT = 1_024
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function shortDigest(crypto: Crypto, bytes: Uint8Array): string {
  return textOf(crypto.sha256(bytes).subarray(0, 16), 'base16')
}

export const hexOf = (bytes: Uint8Array): string => textOf(bytes, 'base16')
export const bytesOfHex = (hex: string): Uint8Array => fromString(hex, 'base16')

/** The head as a JSON array; readers ignore elements behind those they know. */
export function encodeHead(head: StateHead): Uint8Array {
  const { context, incarnation, version, since, flags, rival, body, membership } = head
  return encoder.encode(
    JSON.stringify(['amcp-state/1', context, incarnation, version, since, flags, rival, body, membership]),
  )
}

/** Throws ERR_FRAME_INVALID for anything that `encodeHead` cannot have made. */
export function decodeHead(bytes: Uint8Array): StateHead {
  let fields: unknown
  try {
    fields = JSON.parse(decoder.decode(bytes))
  } catch (cause) {
    throw invalid(cause)
  }
  if (!Array.isArray(fields) || fields[0] !== 'amcp-state/1') throw invalid()
  const [, context, incarnation, version, since, flags, rival, body, membership] = fields as unknown[]
  if (!isShortText(context) || !isHex16(incarnation) || !isHex16(body) || !isHex16(membership)) throw invalid()
  if (!isWhole(version) || !isWhole(since) || !isWhole(flags) || !(rival === '' || isHex16(rival))) throw invalid()
  return { context, incarnation, version, since, flags, rival, body, membership }
}

/** Whether the head's owner signed exactly these bytes; false for a context id that names no key. */
export function isSignedByOwner(
  crypto: Crypto,
  head: StateHead,
  headBytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return crypto.verify(publicKeyOf(head.context), headBytes, signature)
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

const invalid = (cause?: unknown): AmcpError =>
  new AmcpError('ERR_FRAME_INVALID', 'malformed head of a state entry', { cause, details: { reason: 'head' } })
