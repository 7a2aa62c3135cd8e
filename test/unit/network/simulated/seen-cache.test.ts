import { describe, expect, test } from 'vitest'
import { SeenCache } from '../../../../src/network/simulated/seen-cache.ts'

describe('the seen cache', () => {
  test('knows a digest until its time is over', () => {
    const seen = new SeenCache({ lifetime: 100 })
    expect(seen.add('a', 0)).toBe(true)
    expect(seen.add('a', 99)).toBe(false)
    expect(seen.add('a', 100)).toBe(true)
  })

  test('forgets the oldest when it is full', () => {
    const seen = new SeenCache({ capacity: 2 })
    for (const digest of ['a', 'b', 'c']) expect(seen.add(digest, 0)).toBe(true)
    expect(seen.add('c', 1)).toBe(false)
    expect(seen.add('a', 1)).toBe(true)
  })
})
