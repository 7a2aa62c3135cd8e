import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { encodeBody } from '../../src/membership/state-body.ts'
import type { StateEntry } from '../../src/membership/state-entry.ts'
import { encodeHead } from '../../src/membership/state-entry.ts'
import { compareEntries, StateMap } from '../../src/membership/state-map.ts'

const crypto = nodeCrypto()
const body = { addresses: [], patterns: [], offers: [] }

function entry(context: string, version: number, incarnation: number, flags: number): StateEntry {
  const hex = incarnation.toString(16).padStart(32, '0')
  const head = { context, incarnation: hex, version, since: 0, flags, rival: '', body: hex, membership: hex }
  const none = new Uint8Array()
  return { head, headBytes: encodeHead(head), signature: none, body, bodyBytes: encodeBody(body), membership: none }
}

const entries = fc.array(
  fc
    .tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom(0, 2),
    )
    .map(([context, version, incarnation, flags]) => entry(context, version, incarnation, flags)),
  { maxLength: 20 },
)

const mapOf = (...lists: (readonly StateEntry[])[]): StateMap => {
  const map = new StateMap(crypto, 'self', 30_000)
  for (const list of lists) for (const one of list) map.apply(one, 0)
  return map
}

const contentOf = (map: StateMap): unknown => [...map.contexts].sort().map((context) => map.get(context)!.head)

const held = (map: StateMap): StateEntry[] => [...map.contexts].map((context) => map.get(context)!)

describe('merging maps', () => {
  test('commutes: the order of arrival does not matter', () => {
    fc.assert(
      fc.property(entries, entries, (a, b) => {
        expect(contentOf(mapOf(a, b))).toEqual(contentOf(mapOf(b, a)))
        expect(mapOf(a, b).digest).toBe(mapOf(b, a).digest)
      }),
    )
  })

  test('commutes for any shuffle of one list', () => {
    const shuffled = entries.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    )
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        expect(contentOf(mapOf(list))).toEqual(contentOf(mapOf(other)))
      }),
    )
  })

  test('is associative: neighbours may merge with each other first', () => {
    fc.assert(
      fc.property(entries, entries, entries, (a, b, c) => {
        const left = mapOf(held(mapOf(a, b)), c)
        const right = mapOf(a, held(mapOf(b, c)))
        expect(contentOf(left)).toEqual(contentOf(right))
        expect(left.members).toEqual(right.members)
      }),
    )
  })

  test('what was read in between is never stale: members and digests are those of a map that was never asked', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.nat({ max: 40_000 }), { maxLength: 3 }), (list, expiries) => {
        const asked = new StateMap(crypto, 'self', 30_000)
        const silent = new StateMap(crypto, 'self', 30_000)
        const same = (): void => {
          const fresh = mapOf(held(silent))
          expect(asked.members).toEqual(fresh.members)
          expect(asked.memberDigest).toBe(fresh.memberDigest)
          expect(asked.digest).toBe(fresh.digest)
        }
        list.forEach((one, at) => {
          asked.apply(one, at * 5_000)
          silent.apply(one, at * 5_000)
          same()
        })
        for (const now of expiries) {
          expect(asked.expire(now)).toEqual(silent.expire(now))
          same()
        }
      }),
    )
  })

  test('an entry that comes again is as old as its oldest copy', () => {
    const map = new StateMap(crypto, 'self', 30_000)
    const one = entry('a', 1, 0, 0)
    expect(map.apply(one, 5_000)).toBe('newer')
    expect(map.apply(one, 2_000)).toBe('same')
    expect(map.issuedAt('a')).toBe(2_000)
    expect(map.apply(one, 9_000)).toBe('same')
    expect(map.issuedAt('a')).toBe(2_000)
    expect(map.apply(entry('a', 0, 0, 0), 1_000)).toBe('older')
    expect(map.issuedAt('a')).toBe(2_000)
  })

  test('is idempotent: the same entries again change nothing', () => {
    fc.assert(
      fc.property(entries, (a) => {
        const map = mapOf(a)
        const before = map.digest
        for (const one of a) expect(map.apply(one, 0)).not.toBe('newer')
        expect(map.digest).toBe(before)
      }),
    )
  })

  test('never goes back: each version held is the highest that came', () => {
    fc.assert(
      fc.property(entries, (a) => {
        const map = mapOf(a)
        for (const context of map.contexts) {
          const versions = a.filter(({ head }) => head.context === context).map(({ head }) => head.version)
          expect(map.versionOf(context)).toBe(Math.max(...versions))
        }
      }),
    )
  })

  test('comparing is a total order', () => {
    fc.assert(
      fc.property(entries, (list) => {
        for (const a of list)
          for (const b of list) {
            expect(Math.sign(compareEntries(a, b))).toBe(-Math.sign(compareEntries(b, a)) + 0)
            if (compareEntries(a, b) === 0 && a.head.context === b.head.context) expect(a.head).toEqual(b.head)
          }
      }),
      { numRuns: 50 },
    )
  })
})
