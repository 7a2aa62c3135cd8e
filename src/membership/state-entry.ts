import { fromString } from 'uint8arrays/from-string'
import { toString as textOf } from 'uint8arrays/to-string'
import type { Crypto } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import { publicKeyOf } from '../core/ids.ts'
import { parsePattern } from '../events/pattern.ts'
import { MAX_SUMMARY_BYTES, summaryLength } from '../events/pattern-summary.ts'
import type { Offer, Proficiency } from './members.ts'

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

export interface StateBody {
  readonly addresses: readonly string[]
  readonly patterns: readonly string[]
  readonly offers: readonly Offer[]
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

/** Bytes of a body: some 10,000 offers and a full summary. */
export const BODY_LIMIT = 1_048_576
export const HEAD_LIMIT = 1_024
/** Addresses of one context, in its entry and in its hello. */
export const ADDRESS_LIMIT = 64
/** 16 bytes in lower-case hex: digests, incarnations and nonces. */
export const HEX_16: RegExp = /^[0-9a-f]{32}$/
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
  const fields = parse(bytes, 'head')
  if (!Array.isArray(fields) || fields[0] !== 'amcp-state/1') throw invalid('head')
  const [, context, incarnation, version, since, flags, rival, body, membership] = fields as unknown[]
  if (!isText(context) || !isHex(incarnation) || !isHex(body) || !isHex(membership)) throw invalid('head')
  if (!isWhole(version) || !isWhole(since) || !isWhole(flags) || !(rival === '' || isHex(rival))) throw invalid('head')
  return { context, incarnation, version, since, flags, rival, body, membership }
}

/** Offers that differ only in their agent are written once with a list of agents. */
export function encodeBody(body: StateBody): Uint8Array {
  const groups = new Map<string, [string, string, string, number | null, string[]]>()
  for (const { agent, capability, version, proficiency = '', cost = null } of body.offers) {
    const key = JSON.stringify([capability, version, proficiency, cost])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [capability, version, proficiency, cost, [agent]])
    else group[4].push(agent)
  }
  return encoder.encode(JSON.stringify({ a: body.addresses, p: body.patterns, o: [...groups.values()] }))
}

/** Throws ERR_FRAME_INVALID for anything that `encodeBody` cannot have made, ERR_TOPIC_INVALID for what is no pattern. */
export function decodeBody(bytes: Uint8Array): StateBody {
  const fields = parse(bytes, 'body') as { a?: unknown; p?: unknown; o?: unknown } | null
  const { a, p, o } = fields ?? {}
  if (!isTexts(a) || !isTexts(p) || !Array.isArray(o) || a.length > ADDRESS_LIMIT) throw invalid('body')
  // Everybody keeps everybody's patterns in a trie, where one byte here is some twenty.
  if (summaryLength(p) > MAX_SUMMARY_BYTES) throw invalid('body')
  // A pattern that breaks the grammar must not reach anybody's trie.
  for (const pattern of p) parsePattern(pattern)
  const offers: Offer[] = []
  for (const group of o as unknown[]) offers.push(...offersOfGroup(group))
  return { addresses: a, patterns: p, offers }
}

function offersOfGroup(group: unknown): Offer[] {
  if (!Array.isArray(group)) throw invalid('offers')
  const [capability, version, proficiency, cost, agents] = group as unknown[]
  const known = proficiency === '' || isProficiency(proficiency)
  const priced = cost === null || typeof cost === 'number'
  if (!isText(capability) || !isText(version) || !known || !priced || !isTexts(agents)) throw invalid('offers')
  const rest = { ...(proficiency === '' ? {} : { proficiency }), ...(cost === null ? {} : { cost }) }
  return agents.map((agent) => ({ agent, capability, version, ...rest }))
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

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch (cause) {
    throw invalid(what, cause)
  }
}

const invalid = (what: string, cause?: unknown): AmcpError =>
  new AmcpError('ERR_FRAME_INVALID', `malformed ${what} of a state entry`, { cause, details: { reason: what } })
const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length < 4_096
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)
const isHex = (value: unknown): value is string => typeof value === 'string' && HEX_16.test(value)
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isProficiency = (value: unknown): value is Proficiency =>
  value === 'novice' || value === 'competent' || value === 'expert'
