import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contains, matches, withoutContained } from '../../src/events/pattern.ts'
import { summarise, summaryLength } from '../../src/events/pattern-summary.ts'
import { TopicTrie } from '../../src/events/topic-trie.ts'

const level = fc.constantFrom('a', 'b', 'c')
const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('.'))
const pattern = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: level }, fc.constant('*')), { maxLength: 4 }),
    fc.constantFrom('', '>', 'a', '*'),
  )
  .map(([levels, last]) => [...levels, ...(last === '' ? [] : [last])].join('.') || 'a')

/** What a pattern means, by the definition. */
const fits = (one: string, name: string): boolean =>
  new RegExp(
    `^${one
      .split('.')
      .map((part) => (part === '*' ? '[^.]+' : part === '>' ? '.+' : part))
      .join('\\.')}$`,
  ).test(name)

test('TP-1 the trie finds what the definition of patterns says, whatever was added and removed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(pattern, fc.boolean()), { maxLength: 40 }),
      fc.array(topic, { minLength: 1 }),
      (steps, topics) => {
        const trie = new TopicTrie<string>()
        const model: string[] = []
        for (const [one, isAdded] of steps) {
          if (isAdded) {
            trie.add(one, one)
            model.push(one)
          } else {
            const at = model.indexOf(one)
            expect(trie.remove(one, one)).toBe(at >= 0)
            if (at >= 0) model.splice(at, 1)
          }
        }
        expect(trie.size).toBe(model.length)
        for (const name of topics) {
          expect(trie.match(name).sort()).toEqual(model.filter((one) => fits(one, name)).sort())
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('a pattern matches as defined', () => {
  fc.assert(fc.property(pattern, topic, (one, name) => matches(one, name) === fits(one, name)))
})

test('containment is right for every topic, reflexive and transitive', () => {
  fc.assert(
    fc.property(pattern, pattern, pattern, topic, (outer, inner, innermost, name) => {
      expect(contains(outer, outer)).toBe(true)
      if (contains(outer, inner) && fits(inner, name)) expect(fits(outer, name)).toBe(true)
      if (contains(outer, inner) && contains(inner, innermost)) expect(contains(outer, innermost)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test('a summary listens at least to what its patterns listen to', () => {
  fc.assert(
    fc.property(
      fc.array(pattern, { maxLength: 30 }),
      fc.integer({ min: 8, max: 200 }),
      topic,
      (patterns, limit, name) => {
        const summary = summarise(patterns, limit)
        expect(summaryLength(summary)).toBeLessThanOrEqual(Math.max(limit, summaryLength(['>'])))
        if (patterns.some((one) => fits(one, name))) expect(summary.some((one) => fits(one, name))).toBe(true)
        const smaller = withoutContained(patterns)
        expect(smaller.some((one) => fits(one, name))).toBe(patterns.some((one) => fits(one, name)))
      },
    ),
    { numRuns: 1_000 },
  )
})
