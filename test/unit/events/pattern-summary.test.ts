import { describe, expect, test } from 'vitest'
import { contains } from '../../../src/events/pattern.ts'
import { MAX_SUMMARY_BYTES, summarise, summaryLength } from '../../../src/events/pattern-summary.ts'

describe('a summary of patterns', () => {
  test('leaves out what is contained and the topics of agents', () => {
    const own = 'amcp.agent.0f0e0d0c-0b0a-8908-8706-050403020100'
    expect(summarise(['amcp.domain.a', 'amcp.domain.*', own])).toEqual(['amcp.domain.*'])
  })

  test('of few patterns is exact', () => {
    const patterns = Array.from({ length: 100 }, (_, index) => `amcp.domain.site-${index}.*.load`)
    expect(new Set(summarise(patterns))).toEqual(new Set(patterns))
  })

  test('of patterns by the ten thousand ends: asking each about every other would take minutes', () => {
    const patterns = Array.from({ length: 20_000 }, (_, index) => `amcp.domain.site-${index}.*`)
    expect(summarise(patterns)).toEqual(['amcp.domain.>'])
  })

  test('of too many widens the deepest levels until it fits, and still covers each', () => {
    const patterns = Array.from({ length: 5_000 }, (_, index) => `amcp.domain.site-${index % 50}.line-${index}.load`)
    const summary = summarise(patterns)
    expect(summaryLength(summary)).toBeLessThanOrEqual(MAX_SUMMARY_BYTES)
    expect(summary).toContain('amcp.domain.site-7.>')
    expect(patterns.every((pattern) => summary.some((outer) => contains(outer, pattern)))).toBe(true)
  })

  test('that no widening makes fit listens to everything', () => {
    expect(summarise(['averylongname.b', 'another.c'], 8)).toEqual(['>'])
    expect(summarise(['averylongname'], 8)).toEqual(['>'])
  })
})
