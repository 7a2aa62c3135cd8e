import type { Crypto } from '../core/crypto.ts'
import type { ContextId } from '../core/ids.ts'
import { publicKeyOf } from '../core/ids.ts'
import { bytesOfHex, hexOf } from './state-entry.ts'
import { isHex16 } from './wire-fields.ts'

/**
 * A process's signed answer to a challenge. Signed, because it is shown to the other life of the key, which stops on it:
 * anybody else's word for that would be a way to stop any context at will.
 */
export interface SignOfLife {
  /** Of the process that answered, 16 bytes in hex. */
  readonly incarnation: string
  /** Ed25519 by the context's key, 64 bytes in hex. */
  readonly signature: string
}

const HEX_64 = /^[0-9a-f]{128}$/
const encoder = new TextEncoder()

/** Begins like nothing else that a context signs, so that whoever chooses the nonce gains no other signature by it. */
const signedBytes = (context: ContextId, incarnation: string, nonce: string): Uint8Array =>
  encoder.encode(JSON.stringify(['amcp-alive/1', context, incarnation, nonce]))

export const isSignOfLife = (value: unknown): value is SignOfLife => {
  if (typeof value !== 'object' || value === null) return false
  const { incarnation, signature } = value as Readonly<Record<string, unknown>>
  return isHex16(incarnation) && typeof signature === 'string' && HEX_64.test(signature)
}

/** @param sign by the key of `context` */
export function signLife(
  sign: (message: Uint8Array) => Uint8Array,
  context: ContextId,
  incarnation: string,
  nonce: string,
): SignOfLife {
  return { incarnation, signature: hexOf(sign(signedBytes(context, incarnation, nonce))) }
}

/** Whether some process with the key of `context` signed it after `nonce` was drawn. */
export function provesLife(crypto: Crypto, context: ContextId, nonce: string, sign: SignOfLife): boolean {
  const { incarnation, signature } = sign
  return crypto.verify(publicKeyOf(context), signedBytes(context, incarnation, nonce), bytesOfHex(signature))
}
