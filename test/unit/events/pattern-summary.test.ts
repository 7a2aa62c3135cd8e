import { describe, expect, test } from 'vitest'
import { contains } from '../../../src/events/pattern.ts'
import { decodeSummary, encodeSummary, MAX_SUMMARY_BYTES, summarise } from '../../../src/events/pattern-summary.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

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
    expect(encodeSummary(summary).length).toBeLessThanOrEqual(MAX_SUMMARY_BYTES)
    expect(summary).toContain('amcp.domain.site-7.>')
    expect(patterns.every((pattern) => summary.some((outer) => contains(outer, pattern)))).toBe(true)
  })

  test('that no widening makes fit listens to everything', () => {
    expect(summarise(['averylongname.b', 'another.c'], 8)).toEqual(['>'])
    expect(summarise(['averylongname'], 8)).toEqual(['>'])
  })

  test('has a fixed binary form', () => {
    const bytes = encodeSummary(['amcp.domain.*', 'b.>'])
    expect(hex(bytes)).toBe(
      `010002000d${Buffer.from('amcp.domain.*').toString('hex')}0003${Buffer.from('b.>').toString('hex')}`,
    )
    expect(decodeSummary(bytes)).toEqual(['amcp.domain.*', 'b.>'])
    expect(decodeSummary(encodeSummary([]))).toEqual([])
  })

  test('cut at any byte is refused', () => {
    const bytes = encodeSummary(['amcp.domain.*', 'b.>'])
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => decodeSummary(bytes.slice(0, length))).toThrow(
        expect.objectContaining({ code: 'ERR_FRAME_INVALID' }),
      )
    }
  })

  test.each([
    ['another version', (bytes: Uint8Array) => bytes.with(0, 9)],
    ['bytes behind its end', (bytes: Uint8Array) => Uint8Array.of(...bytes, 0)],
    ['no pattern', (bytes: Uint8Array) => bytes.with(5, 0x20)],
    ['no UTF-8', (bytes: Uint8Array) => bytes.with(5, 0xff)],
    ['too many bytes', () => new Uint8Array(MAX_SUMMARY_BYTES + 1)],
  ])('with %s is refused', (_, change) => {
    expect(() => decodeSummary(change(encodeSummary(['a.b'])))).toThrow(
      expect.objectContaining({ code: 'ERR_FRAME_INVALID' }),
    )
  })
})
