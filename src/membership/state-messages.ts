import { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import { isSignOfLife, type SignOfLife } from './sign-of-life.ts'
import { BODY_LIMIT } from './state-body.ts'
import { HEAD_LIMIT } from './state-entry.ts'
import { isHex16, isString, isWhole } from './wire-fields.ts'

export const STATE_PROTOCOL = '/amcp/state/1'
/** Bytes of entries in one message, so that one large map does not block what comes behind it. */
export const ENTRIES_TARGET = 262_144
export const STATE_MESSAGE_LIMIT: number = 4 * BODY_LIMIT
/** Contexts that one message may list, far beyond any mesh: what a neighbour lists is remembered. */
export const LISTED_LIMIT = 16_384
/** Characters of a context id are 52. */
const ID_LIMIT = 64
const MEMBERSHIP_LIMIT = 16_384
const SIGNATURE_LENGTH = 64
/** First byte of a message that is no JSON. */
const ENTRIES = 0x01

export type Ack = readonly [owner: ContextId, version: number, by: ContextId]

/** An entry on the way: body and membership are left out when the receiver holds those the head names. */
export interface EntryRecord {
  /** Ms since the owner issued it. */
  readonly age: number
  readonly head: Uint8Array
  readonly signature: Uint8Array
  readonly body: Uint8Array | undefined
  readonly membership: Uint8Array | undefined
}

export type StateMessage =
  | { readonly t: 'digest'; readonly members: string; readonly map: string }
  | { readonly t: 'summary'; readonly members: string; readonly versions: readonly (readonly [ContextId, number])[] }
  | { readonly t: 'want'; readonly contexts: readonly ContextId[] }
  | { readonly t: 'acks'; readonly acks: readonly Ack[] }
  | { readonly t: 'challenge'; readonly nonce: string }
  | { readonly t: 'alive'; readonly nonce: string; readonly alive: SignOfLife }
  | { readonly t: 'entries'; readonly records: readonly EntryRecord[] }

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeMessage(message: StateMessage): Uint8Array {
  return message.t === 'entries' ? encodeEntries(message.records) : encoder.encode(JSON.stringify(message))
}

/** Throws ERR_FRAME_INVALID for anything malformed. */
export function decodeMessage(bytes: Uint8Array): StateMessage {
  if (bytes.length > STATE_MESSAGE_LIMIT) throw malformed('too large')
  if (bytes[0] === ENTRIES) return { t: 'entries', records: decodeEntries(bytes) }
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(bytes))
  } catch (cause) {
    throw malformed('no JSON', cause)
  }
  if (!isMessage(value)) throw malformed('a field is missing or wrong')
  return value
}

/** Records of age (4), head length (2), head, signature (64), body length + 1 or 0 (4), body, the same for membership (2). */
function encodeEntries(records: readonly EntryRecord[]): Uint8Array {
  let size = 1
  for (const record of records) size += sizeOf(record)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  bytes[0] = ENTRIES
  let at = 1
  const put = (part: Uint8Array): void => {
    bytes.set(part, at)
    at += part.length
  }
  for (const { age, head, signature, body, membership } of records) {
    view.setUint32(at, Math.max(0, Math.min(0xffff_ffff, Math.round(age))))
    view.setUint16(at + 4, head.length)
    at += 6
    put(head)
    put(signature)
    view.setUint32(at, body === undefined ? 0 : body.length + 1)
    at += 4
    if (body !== undefined) put(body)
    view.setUint16(at, membership === undefined ? 0 : membership.length + 1)
    at += 2
    if (membership !== undefined) put(membership)
  }
  return bytes
}

export function sizeOf({ head, body, membership }: EntryRecord): number {
  return 12 + SIGNATURE_LENGTH + head.length + (body?.length ?? 0) + (membership?.length ?? 0)
}

function decodeEntries(bytes: Uint8Array): EntryRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records: EntryRecord[] = []
  let at = 1
  const take = (length: number, limit: number): Uint8Array => {
    if (length > limit || at + length > bytes.length) throw malformed('a length lies')
    at += length
    return bytes.slice(at - length, at)
  }
  const number = (size: 2 | 4): number => {
    if (at + size > bytes.length) throw malformed('cut off')
    at += size
    return size === 2 ? view.getUint16(at - 2) : view.getUint32(at - 4)
  }
  while (at < bytes.length) {
    const age = number(4)
    const head = take(number(2), HEAD_LIMIT)
    const signature = take(SIGNATURE_LENGTH, SIGNATURE_LENGTH)
    const bodyLength = number(4)
    const body = bodyLength === 0 ? undefined : take(bodyLength - 1, BODY_LIMIT)
    const membershipLength = number(2)
    const membership = membershipLength === 0 ? undefined : take(membershipLength - 1, MEMBERSHIP_LIMIT)
    records.push({ age, head, signature, body, membership })
  }
  return records
}

const malformed = (reason: string, cause?: unknown): AmcpError =>
  new AmcpError('ERR_FRAME_INVALID', `malformed state message: ${reason}`, { cause, details: { reason } })

const isId = (value: unknown): value is string => isString(value) && value.length <= ID_LIMIT
const isVersion = (value: unknown): boolean => Array.isArray(value) && isId(value[0]) && isWhole(value[1])
const isAck = (value: unknown): boolean => isVersion(value) && isId((value as unknown[])[2])
const isList = (value: unknown, is: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length <= LISTED_LIMIT && value.every(is)

function isMessage(value: unknown): value is StateMessage {
  if (typeof value !== 'object' || value === null) return false
  const { t, members, map, versions, contexts, acks, nonce, alive } = value as Readonly<Record<string, unknown>>
  switch (t) {
    case 'digest':
      return isString(members) && isString(map)
    case 'summary':
      return isString(members) && isList(versions, isVersion)
    case 'want':
      return isList(contexts, isId)
    case 'acks':
      return isList(acks, isAck)
    case 'challenge':
      return isHex16(nonce)
    case 'alive':
      return isHex16(nonce) && isSignOfLife(alive)
    default:
      return false
  }
}
