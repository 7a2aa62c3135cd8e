import { describe, expect, test } from 'vitest'
import { contains, matches, parsePattern, withoutContained } from '../../../src/events/pattern.ts'

describe('patterns', () => {
  test.each([
    ['amcp.domain.x', 'amcp.domain.x'],
    ['amcp.*.x', 'amcp.*.x'],
    ['amcp.>', 'amcp.>'],
    ['amcp.**', 'amcp.>'],
    ['>', '>'],
    ['**', '>'],
    ['*', '*'],
  ])('TP-1 %s is written %s', (pattern, spelling) => {
    expect(parsePattern(pattern)).toBe(spelling)
  })

  test.each(['', 'amcp.>.x', 'amcp.**.x', 'a..b', 'a.b c', 'a.x*', Array(300).fill('*').join('.')])(
    'TP-3 refuses the pattern %j',
    (pattern) => {
      expect(() => parsePattern(pattern)).toThrow(expect.objectContaining({ code: 'ERR_TOPIC_INVALID' }))
    },
  )

  test.each([
    ['a.b.c', 'a.b.c', true],
    ['a.b.c', 'a.b', false],
    ['a.b', 'a.b.c', false],
    ['a.*.c', 'a.b.c', true],
    ['a.*', 'a.b.c', false],
    ['a.*', 'a', false],
    ['a.>', 'a.b', true],
    ['a.>', 'a.b.c.d', true],
    ['a.>', 'a', false],
    ['>', 'a', true],
    ['*.*.c', 'a.b.c', true],
    ['*.*.c', 'a.b.d', false],
  ])('TP-1 %s against %s: %s', (pattern, topic, fits) => {
    expect(matches(pattern, topic)).toBe(fits)
  })

  test.each([
    ['a.>', 'a.*.c', true],
    ['a.>', 'a.>', true],
    ['a.*', 'a.>', false],
    ['a.*.>', 'a.>', false],
    ['a.>', 'a.*.>', true],
    ['a.*', 'a.*', true],
    ['a.b', 'a.*', false],
    ['>', 'a.b.>', true],
  ])('whether %s contains %s: %s', (outer, inner, does) => {
    expect(contains(outer, inner)).toBe(does)
  })

  test('drops what another pattern contains, and doubles', () => {
    expect(withoutContained(['a.b', 'a.*', 'c', 'c', 'a.*.>', 'a.x.y'])).toEqual(['a.*', 'a.*.>', 'c'])
    // The first levels of a pattern are no pattern themselves.
    expect(withoutContained(['a.*.b', 'a.x', 'a.x.c'])).toEqual(['a.*.b', 'a.x', 'a.x.c'])
  })
})
