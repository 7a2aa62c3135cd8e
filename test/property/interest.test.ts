import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { matches } from '../../src/events/pattern.ts'
import { shardOf } from '../../src/events/shard.ts'
import { Interest } from '../../src/membership/interest.ts'
import { OfferIndex } from '../../src/membership/offer-index.ts'
import { FLAG_LEFT, type StateEntry } from '../../src/membership/state-entry.ts'
import { StateMap } from '../../src/membership/state-map.ts'
import { entry } from '../unit/membership/entry.ts'

const crypto = nodeCrypto()
const SHARDS = 8
const SELF = 'self'

const level = fc.constantFrom('a', 'b', 'c')
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('.'))
const pattern = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: level }, fc.constant('*')), { maxLength: 3 }),
    fc.constantFrom('', '>'),
  )
  .map(([levels, last]) => [...levels, ...(last === '' ? [] : [last])].join('.') || 'a')

interface Change {
  readonly context: string
  readonly version: number
  readonly patterns: readonly string[]
  readonly offers: readonly string[]
  readonly hasLeft: boolean
  /** Ms since the change before. */
  readonly after: number
}

const change: fc.Arbitrary<Change> = fc.record({
  context: fc.constantFrom(SELF, 'm1', 'm2', 'm3'),
  version: fc.nat({ max: 6 }),
  patterns: fc.array(pattern, { maxLength: 4 }),
  offers: fc.array(fc.constantFrom('detect', 'forecast'), { maxLength: 2 }),
  hasLeft: fc.boolean(),
  after: fc.nat({ max: 12_000 }),
})

function entryOf({ context, version, patterns, offers, hasLeft }: Change): StateEntry {
  const unique = [...new Set(offers)]
  const body = {
    patterns,
    offers: unique.map((capability) => ({ agent: `${context} agent`, capability, version: '1.0.0' })),
  }
  return entry(context, version, body, hasLeft ? FLAG_LEFT : 0)
}

test('audiences, shards and offers are those of the map, whatever came, went, left or expired', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 25 }),
      fc.array(topic, { minLength: 1, maxLength: 8 }),
      (changes, topics) => {
        const map = new StateMap(crypto, SELF, 30_000)
        const interest = new Interest(map, SHARDS)
        const offers = new OfferIndex(map, (agent, context) => agent === `${context} agent`)
        let now = 0
        for (const one of changes) {
          now += one.after
          map.apply(entryOf(one), now)
          map.expire(now)
          const changed = map.takeChanged()
          interest.refresh(changed)
          offers.refresh(changed)
          const bodies = map.members.map((context) => [context, map.live(context)!.body] as const)
          for (const name of topics) {
            const naive = bodies.filter(([, { patterns }]) => patterns.some((wide) => matches(wide, name)))
            const others = naive.map(([context]) => context).filter((context) => context !== SELF)
            expect(interest.audienceOf(name, SELF)).toEqual(others)
            if (naive.length > 0) expect(interest.shards.has(shardOf(name, SHARDS))).toBe(true)
          }
          for (const capability of ['detect', 'forecast']) {
            const naive = bodies.flatMap(([context, body]) =>
              body.offers.some((offer) => offer.capability === capability) ? [context] : [],
            )
            expect(
              offers
                .of(capability)
                .map(({ context }) => context)
                .sort(),
            ).toEqual(naive)
          }
        }
      },
    ),
  )
})

test('an audience is the same array as long as nobody’s patterns change', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 15 }), topic, (changes, name) => {
      const map = new StateMap(crypto, SELF, 30_000)
      const interest = new Interest(map, SHARDS)
      let before: readonly string[] | undefined
      for (const one of changes) {
        map.apply(entryOf(one), 0)
        const hasChanged = interest.refresh(map.takeChanged())
        const audience = interest.audienceOf(name, SELF)
        if (!hasChanged && before !== undefined) expect(audience).toBe(before)
        before = audience
      }
    }),
  )
})
