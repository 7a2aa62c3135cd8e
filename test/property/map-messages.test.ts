import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AmcpError } from '../../src/core/errors.ts'
import type { Offer } from '../../src/membership/members.ts'
import { decodeBody, encodeBody } from '../../src/membership/state-body.ts'
import { decodeHead, encodeHead } from '../../src/membership/state-entry.ts'
import { decodeMessage, type EntryRecord, encodeMessage } from '../../src/membership/state-messages.ts'

const hex = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const word = fc.stringMatching(/^[a-z]{1,8}$/)
const head = fc.record({
  context: word,
  incarnation: hex,
  version: fc.maxSafeNat(),
  since: fc.maxSafeNat(),
  flags: fc.nat(255),
  rival: fc.oneof(hex, fc.constant('')),
  body: hex,
  membership: hex,
})
const offer: fc.Arbitrary<Offer> = fc.record(
  {
    agent: fc.nat(9_999).map((n) => `00000000-0000-8000-8000-${String(n).padStart(12, '0')}`),
    capability: word,
    version: word,
    proficiency: fc.constantFrom('novice' as const, 'competent' as const, 'expert' as const),
    cost: fc.double({ min: 0, max: 10, noNaN: true }).map((cost) => cost + 0),
  },
  { requiredKeys: ['agent', 'capability', 'version'] },
)
const body = fc.record({
  addresses: fc.array(word, { maxLength: 3 }),
  patterns: fc.array(
    word.map((level) => `amcp.${level}.>`),
    { maxLength: 5 },
  ),
  offers: fc.array(offer, { maxLength: 8 }),
})
const bytes = fc.uint8Array({ maxLength: 40 })
const record: fc.Arbitrary<EntryRecord> = fc.record({
  age: fc.nat(1_000_000),
  head: bytes,
  signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  body: fc.option(bytes, { nil: undefined }),
  membership: fc.option(bytes, { nil: undefined }),
})

test('a head survives the wire', () => {
  fc.assert(
    fc.property(head, (one) => {
      expect(decodeHead(encodeHead(one))).toEqual(one)
    }),
  )
})

test('a body survives the wire; offers come back grouped', () => {
  const sorted = (offers: readonly Offer[]): string[] =>
    offers.map((one) => JSON.stringify(Object.entries(one).sort())).sort()
  fc.assert(
    fc.property(body, (one) => {
      const back = decodeBody(encodeBody(one))
      expect(back.addresses).toEqual(one.addresses)
      expect(back.patterns).toEqual(one.patterns)
      expect(sorted(back.offers)).toEqual(sorted(one.offers))
    }),
  )
})

test('entries survive the wire', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), (records) => {
      expect(decodeMessage(encodeMessage({ t: 'entries', records }))).toEqual({ t: 'entries', records })
    }),
  )
})

test('damaged messages are refused with a typed error or read as something harmless, never worse', () => {
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 3 }),
      fc.nat(),
      fc.nat(255),
      fc.nat(),
      (records, at, value, cut) => {
        const message = encodeMessage({ t: 'entries', records })
        message[at % message.length] = value
        try {
          decodeMessage(message.subarray(0, cut % (message.length + 1)))
        } catch (error) {
          expect(error).toBeInstanceOf(AmcpError)
        }
      },
    ),
    { numRuns: 1_000 },
  )
})

test('garbage is refused with a typed error by every decoder', () => {
  const input = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
  )
  fc.assert(
    fc.property(input, fc.constantFrom(decodeHead, decodeBody, decodeMessage), (noise, decode) => {
      try {
        decode(noise)
      } catch (error) {
        expect(error).toBeInstanceOf(AmcpError)
      }
    }),
    { numRuns: 1_000 },
  )
})
