import { fromString } from 'uint8arrays/from-string'
import { toString as encodeBytes } from 'uint8arrays/to-string'
import type { Crypto, SigningKey } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'

/** Longest statement that is read, in characters: more is an attack, not a credential. */
export const MAX_STATEMENT_LENGTH = 16_384

export type Claims = Readonly<Record<string, unknown>>

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })
const base64 = (text: string): string => encodeBytes(encoder.encode(text), 'base64url')

const invalid = (reason: string, cause?: unknown): AmcpError =>
  new AmcpError('ERR_CREDENTIAL_INVALID', `a statement ${reason}`, { cause, details: { reason } })

/** The protected header of a type; exactly this text is written and accepted, so no header can smuggle an algorithm. */
export const protectedHeader = (type: string): string => base64(JSON.stringify({ alg: 'EdDSA', typ: type }))

/**
 * A compact JWS (EdDSA) over JSON. Synchronous, unlike the `jose` package, because gossipsub's validators are; jose is
 * the oracle in the tests, both ways.
 * @see RFC 7515, RFC 8037
 */
export function signStatement(key: SigningKey, type: string, claims: Claims): string {
  const signed = `${protectedHeader(type)}.${base64(JSON.stringify(claims))}`
  return `${signed}.${encodeBytes(key.sign(encoder.encode(signed)), 'base64url')}`
}

export interface Statement {
  readonly claims: Claims
  /** What the signature covers. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

/** Takes a statement of one type apart without trusting it yet. ERR_CREDENTIAL_INVALID. */
export function readStatement(text: string, type: string): Statement {
  if (text.length > MAX_STATEMENT_LENGTH) throw invalid(`has ${text.length} characters`)
  const parts = text.split('.')
  const [header, payload, signature] = parts
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw invalid('is no compact JWS')
  }
  if (header !== protectedHeader(type)) throw invalid(`is not of the type ${type}`)
  return {
    claims: readClaims(payload),
    signed: encoder.encode(`${header}.${payload}`),
    signature: decode(signature),
  }
}

/** The JSON object in a payload. ERR_CREDENTIAL_INVALID. */
export function readClaims(payload: string): Claims {
  let claims: unknown
  try {
    claims = JSON.parse(decoder.decode(decode(payload)))
  } catch (cause) {
    throw invalid('holds no JSON', cause)
  }
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) throw invalid('holds no JSON object')
  return claims as Claims
}

/** Bytes of base64url in its one spelling: another spelling would be another name for the same credential. */
export function decode(text: string): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = fromString(text, 'base64url')
  } catch (cause) {
    throw invalid('is no base64url', cause)
  }
  if (encodeBytes(bytes, 'base64url') !== text) throw invalid('is base64url in an unusual spelling')
  return bytes
}

/** The claims of a statement that this key signed. ERR_CREDENTIAL_INVALID. */
export function verifyStatement(crypto: Crypto, publicKey: Uint8Array, text: string, type: string): Claims {
  const { claims, signed, signature } = readStatement(text, type)
  if (!crypto.verify(publicKey, signed, signature)) throw invalid(`of the type ${type} has a wrong signature`)
  return claims
}

/** A claim of a given form, or ERR_CREDENTIAL_INVALID. */
export function claim<T>(claims: Claims, name: string, is: (value: unknown) => value is T): T {
  const value = claims[name]
  if (!is(value)) throw invalid(`has no proper ${name}`)
  return value
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
/** Patterns in one credential: everybody tries them all for every new topic. */
export const MAX_PATTERNS = 256
export const isPatterns = (value: unknown): value is readonly string[] => isTexts(value) && value.length <= MAX_PATTERNS
export const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText)
/** A number of whole seconds, or a count. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

export const textOf = (bytes: Uint8Array): string => encodeBytes(bytes, 'latin1')
export const bytesOf = (text: string): Uint8Array => encoder.encode(text)
