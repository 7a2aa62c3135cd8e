import { AmcpError } from '../core/errors.ts'
import { isSignOfLife, type SignOfLife } from './sign-of-life.ts'
import { ADDRESS_LIMIT } from './state-body.ts'
import { isHex16, isString, isWhole } from './wire-fields.ts'

export const HELLO_PROTOCOL = '/amcp/hello/1'
/** Bytes of one message of the hello: a membership, some addresses, and room to grow. */
export const HELLO_LIMIT: number = 32_768
/** Protocol versions spoken here, the newest first; two neighbouring ones work in one mesh. */
export const PROTOCOL_VERSIONS: readonly number[] = [1]

/** What one end has last seen of the other: so that a restarted context goes on above it. */
export interface LastSeen {
  /** 16 bytes in hex. */
  readonly incarnation: string
  /** State version. */
  readonly version: number
  /** Log heads by log id and shard; empty until logs exist. */
  readonly heads: Readonly<Record<string, number>>
}

export interface Hello {
  readonly t: 'hello'
  readonly versions: readonly number[]
  readonly mesh: string
  /** The membership credential, as text. */
  readonly membership: string
  readonly incarnation: string
  /** Own wall time, ms since 1970. */
  readonly time: number
  readonly seen: LastSeen | null
  /** Digest of the set of members as known here. */
  readonly members: string
  readonly addresses: readonly string[]
  /** Digest of the body of the own entry: patterns, offers, addresses. */
  readonly summary: string
  /** 16 random bytes in hex, echoed in the other's welcome and used as challenge to an older life of this key. */
  readonly nonce: string
}

/** The last word of each end: `nonce` is that of the other's hello. */
export interface Welcome {
  readonly t: 'welcome'
  readonly nonce: string
}

export interface Refused {
  readonly t: 'refused'
  readonly code: RefusalCode
  readonly message: string
  /** With ERR_DUPLICATE_IDENTITY: what the other life answered to the nonce of the refused hello. */
  readonly alive?: SignOfLife
}

/** Characters of the reason of a refusal, which goes to a log. */
export const REASON_LIMIT = 1_024

export type HelloMessage = Hello | Welcome | Refused

export const REFUSAL_CODES = [
  'ERR_WRONG_MESH',
  'ERR_NOT_A_MEMBER',
  'ERR_MEMBERSHIP_EXPIRED',
  'ERR_CLOCK_SKEW',
  'ERR_VERSION_UNSUPPORTED',
  'ERR_DUPLICATE_IDENTITY',
  'ERR_PROTOCOL_REFUSED',
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export const encodeHello = (message: HelloMessage): Uint8Array => encoder.encode(JSON.stringify(message))

/** Throws ERR_PROTOCOL_REFUSED for anything malformed or above the limit; fields it does not know are ignored. */
export function decodeHello(bytes: Uint8Array): HelloMessage {
  if (bytes.length > HELLO_LIMIT) throw malformed(`${bytes.length} bytes`)
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(bytes))
  } catch (cause) {
    throw malformed('no JSON', cause)
  }
  if (isHello(value) || isWelcome(value) || isRefused(value)) return value
  throw malformed('a field is missing or wrong')
}

const malformed = (why: string, cause?: unknown): AmcpError =>
  new AmcpError('ERR_PROTOCOL_REFUSED', `malformed hello: ${why}`, { cause, details: { reason: why } })

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

function isHello(value: unknown): value is Hello {
  if (!isFields(value) || value['t'] !== 'hello') return false
  const { versions, mesh, membership, incarnation, time, seen, members, addresses, summary, nonce } = value
  if (!Array.isArray(versions) || !versions.every(isWhole)) return false
  if (!Array.isArray(addresses) || addresses.length > ADDRESS_LIMIT || !addresses.every(isString)) return false
  if (!isString(mesh) || !isString(membership) || !isWhole(time)) return false
  return [incarnation, members, summary, nonce].every(isHex16) && (seen === null || isLastSeen(seen))
}

/** Whether a value that came from elsewhere, a message or the disk, is one. */
export const isLastSeen = (value: unknown): value is LastSeen =>
  isFields(value) &&
  isHex16(value['incarnation']) &&
  isWhole(value['version']) &&
  isFields(value['heads']) &&
  Object.values(value['heads']).every(isWhole)

const isWelcome = (value: unknown): value is Welcome =>
  isFields(value) && value['t'] === 'welcome' && isHex16(value['nonce'])

const isRefused = (value: unknown): value is Refused =>
  isFields(value) &&
  value['t'] === 'refused' &&
  REFUSAL_CODES.some((code) => code === value['code']) &&
  isString(value['message']) &&
  value['message'].length <= REASON_LIMIT &&
  (value['alive'] === undefined || isSignOfLife(value['alive']))
