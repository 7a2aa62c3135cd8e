import { AmcpError } from '../core/errors.ts'
import { isAgentId } from '../core/ids.ts'
import { parsePattern } from '../events/pattern.ts'
import { MAX_SUMMARY_BYTES, summaryLength } from '../events/pattern-summary.ts'
import type { Offer, Proficiency } from './members.ts'
import { isShortText } from './wire-fields.ts'

/** What a context listens to and offers, and where it can be dialled. */
export interface StateBody {
  readonly addresses: readonly string[]
  readonly patterns: readonly string[]
  readonly offers: readonly Offer[]
}

/** Bytes of a body: all offers, a full summary and all addresses. */
export const BODY_LIMIT = 1_048_576
/** Offers of one context, which every member keeps: 10,000 agents with two capabilities each. */
export const OFFER_LIMIT = 20_000
/** Bytes of a context's own offers, so that a full summary and all addresses always fit beside them. */
export const OFFERS_BYTES = 819_200
/** Addresses of one context, in its entry and in its hello. */
export const ADDRESS_LIMIT = 64

type OfferGroup = [capability: string, version: string, proficiency: string, cost: number | null, agents: string[]]

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Offers as JSON: those that differ only in their agent are written once, with a list of agents. */
export function encodeOffers(offers: readonly Offer[]): string {
  const groups = new Map<string, OfferGroup>()
  for (const { agent, capability, version, proficiency = '', cost = null } of offers) {
    const key = JSON.stringify([capability, version, proficiency, cost])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [capability, version, proficiency, cost, [agent]])
    else group[4].push(agent)
  }
  return JSON.stringify([...groups.values()])
}

/** @param offersText what `encodeOffers` made of the offers, for whoever has it already */
export function encodeBody(body: StateBody, offersText: string = encodeOffers(body.offers)): Uint8Array {
  const { addresses, patterns } = body
  return encoder.encode(`{"a":${JSON.stringify(addresses)},"p":${JSON.stringify(patterns)},"o":${offersText}}`)
}

/** Throws ERR_FRAME_INVALID for anything that no honest context can have made, ERR_TOPIC_INVALID for what is no pattern. */
export function decodeBody(bytes: Uint8Array): StateBody {
  const { a, p, o } = fieldsOf(bytes)
  if (!isTexts(a) || !isTexts(p) || !Array.isArray(o) || a.length > ADDRESS_LIMIT) throw invalid('body')
  // Everybody keeps everybody's patterns in a trie, where one byte here is some twenty.
  if (summaryLength(p) > MAX_SUMMARY_BYTES) throw invalid('body')
  // A pattern that breaks the grammar must not reach anybody's trie.
  for (const pattern of p) parsePattern(pattern)
  const offers: Offer[] = []
  for (const group of o as unknown[]) addOffers(offers, group)
  return { addresses: a, patterns: p, offers }
}

/**
 * The own offers as JSON. ERR_ENTRY_TOO_LARGE when they are more than fit in an entry; TypeError for one that others would
 * refuse, since they refuse the whole entry with it.
 */
export function encodeOwnOffers(offers: readonly Offer[]): string {
  if (offers.length > OFFER_LIMIT) throw tooLarge(offers.length, OFFER_LIMIT, 'offers')
  for (const { agent, capability, version, proficiency = '', cost = null } of offers)
    if (!isAgentId(agent) || !areTerms(capability, version, proficiency, cost))
      throw new TypeError(`no offer: ${JSON.stringify([agent, capability, version, proficiency, cost]).slice(0, 200)}`)
  const text = encodeOffers(offers)
  const size = encoder.encode(text).length
  if (size > OFFERS_BYTES) throw tooLarge(size, OFFERS_BYTES, 'bytes of offers')
  return text
}

/** One by one: how many agents a group has is a stranger's choice, and a call has room for some 100,000 arguments. */
function addOffers(offers: Offer[], group: unknown): void {
  if (!Array.isArray(group)) throw invalid('offers')
  const [capability, version, proficiency, cost, agents] = group as unknown[] as OfferGroup
  if (!areTerms(capability, version, proficiency, cost) || !Array.isArray(agents)) throw invalid('offers')
  if (offers.length + agents.length > OFFER_LIMIT) throw invalid('offers')
  const terms = {
    ...(proficiency === '' ? {} : { proficiency: proficiency as Proficiency }),
    ...(cost === null ? {} : { cost }),
  }
  for (const agent of agents as unknown[]) {
    if (typeof agent !== 'string' || !isAgentId(agent)) throw invalid('offers')
    offers.push({ agent, capability, version, ...terms })
  }
}

const areTerms = (capability: unknown, version: unknown, proficiency: unknown, cost: unknown): boolean =>
  isShortText(capability) &&
  isShortText(version) &&
  PROFICIENCIES.has(proficiency) &&
  (cost === null || typeof cost === 'number')

/** Empty = not said. */
const PROFICIENCIES: ReadonlySet<unknown> = new Set(['', 'novice', 'competent', 'expert'])

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isShortText)

function fieldsOf(bytes: Uint8Array): { a?: unknown; p?: unknown; o?: unknown } {
  try {
    return JSON.parse(decoder.decode(bytes)) ?? {}
  } catch (cause) {
    throw invalid('body', cause)
  }
}

const invalid = (what: string, cause?: unknown): AmcpError =>
  new AmcpError('ERR_FRAME_INVALID', `malformed ${what} of a state entry`, { cause, details: { reason: what } })

const tooLarge = (size: number, limit: number, what: string): AmcpError =>
  new AmcpError('ERR_ENTRY_TOO_LARGE', `a context announces at most ${limit} ${what}, these are ${size}`, {
    details: { size, limit, what },
  })
