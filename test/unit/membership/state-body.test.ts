import { describe, expect, test } from 'vitest'
import {
  BODY_LIMIT,
  decodeBody,
  encodeBody,
  encodeOwnOffers,
  OFFER_LIMIT,
  OFFERS_BYTES,
} from '../../../src/membership/state-body.ts'
import { agentOf } from './fake-mesh.ts'

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const agents = (count: number): string[] => Array.from({ length: count }, (_, n) => agentOf(1, n))

describe('bodies of entries that nobody here can have made', () => {
  test.each([
    ['null', null],
    ['lists that are none', { a: 'x', p: [], o: [] }],
    ['patterns that are numbers', { a: [], p: [1], o: [] }],
    ['offers that are none', { a: [], p: [], o: {} }],
    ['a group that is none', { a: [], p: [], o: ['x'] }],
    ['a capability that is a number', { a: [], p: [], o: [[1, '1', '', null, []]] }],
    ['an unknown proficiency', { a: [], p: [], o: [['c', '1', 'genius', null, []]] }],
    ['a cost that is text', { a: [], p: [], o: [['c', '1', '', '2', []]] }],
    ['agents that are none', { a: [], p: [], o: [['c', '1', '', 2, [3]]] }],
    ['agents whose ids are none', { a: [], p: [], o: [['c', '1', '', 2, [agentOf(1), 'x']]] }],
    ['agents in no list', { a: [], p: [], o: [['c', '1', '', 2, agentOf(1)]] }],
    ['a capability without a name', { a: [], p: [], o: [['', '1', '', null, []]] }],
    ['an address of 4,096 characters', { a: ['x'.repeat(4_096)], p: [], o: [] }],
    ['more offers than anybody has', { a: [], p: [], o: [['c', '1', '', null, agents(OFFER_LIMIT + 1)]] }],
    ['more offers in many groups', { a: [], p: [], o: ['b', 'c'].map((c) => [c, '1', '', 1, agents(10_001)]) }],
    ['a group that would be too many arguments', { a: [], p: [], o: [['c', '1', '', null, Array(260_000).fill('x')]] }],
  ])('a body of %s is refused', (_what, value) => {
    expect(() => decodeBody(bytes(value))).toThrow(expect.objectContaining({ code: 'ERR_FRAME_INVALID' }))
  })

  test('a body that is no JSON is refused', () => {
    expect(() => decodeBody(Uint8Array.of(123))).toThrow(expect.objectContaining({ code: 'ERR_FRAME_INVALID' }))
  })
})

describe('the own offers', () => {
  const offers = (count: number, capability = 'c') =>
    Array.from({ length: count }, (_, n) => ({ agent: agentOf(1, n), capability, version: '1.0.0' }))

  test('are 20,000 at most, a typed error says so', () => {
    expect(JSON.parse(encodeOwnOffers(offers(OFFER_LIMIT)))[0][4]).toHaveLength(OFFER_LIMIT)
    expect(() => encodeOwnOffers(offers(OFFER_LIMIT + 1))).toThrow(
      expect.objectContaining({
        code: 'ERR_ENTRY_TOO_LARGE',
        details: { size: OFFER_LIMIT + 1, limit: OFFER_LIMIT, what: 'offers' },
      }),
    )
  })

  test('and 800 KiB at most', () => {
    const many = Array.from({ length: 300 }, (_, n) => offers(1, `${n}${'x'.repeat(4_000)}`)[0]!)
    expect(() => encodeOwnOffers(many)).toThrow(
      expect.objectContaining({
        code: 'ERR_ENTRY_TOO_LARGE',
        details: { size: expect.any(Number), limit: OFFERS_BYTES, what: 'bytes of offers' },
      }),
    )
  })

  test.each([
    ['an agent without an id', { agent: 'x', capability: 'c', version: '1' }],
    ['a capability without a name', { agent: agentOf(1), capability: '', version: '1' }],
    [
      'a proficiency that is none',
      { agent: agentOf(1), capability: 'c', version: '1', proficiency: 'genius' as 'expert' },
    ],
  ])('are refused with %s, since others would refuse the whole entry', (_what, offer) => {
    expect(() => encodeOwnOffers([offer])).toThrow(TypeError)
  })

  test('fit in a body with a full summary and all addresses beside them, and others take it', () => {
    const most = offers(300).map((offer, n) => ({ ...offer, capability: `${n}${'x'.repeat(2_650)}` }))
    const offersText = encodeOwnOffers(most)
    expect(offersText.length).toBeGreaterThan(OFFERS_BYTES * 0.98)
    const patterns = Array.from({ length: 6_500 }, (_, n) => n.toString(36).padStart(3, '0'))
    const addresses = Array.from({ length: 64 }, () => '\u0001'.repeat(128))
    const body = encodeBody({ addresses, patterns, offers: most }, offersText)
    expect(body.length).toBeLessThan(BODY_LIMIT)
    expect(decodeBody(body)).toEqual({ addresses, patterns, offers: most })
  })
})
