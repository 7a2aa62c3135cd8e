import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { pick } from '../../../../src/network/simulated/pick.ts'

describe('picking', () => {
  test('draws different items, all when there are few, and the same for the same seed', () => {
    const items = Array.from({ length: 20 }, (_, at) => at)
    const picked = pick(new SeededRandom(1), items, 6)
    expect(new Set(picked).size).toBe(6)
    expect(pick(new SeededRandom(1), items, 6)).toEqual(picked)
    expect(pick(new SeededRandom(2), items, 6)).not.toEqual(picked)
    expect(pick(new SeededRandom(1), [1, 2], 6)).toEqual([1, 2])
    expect(items.length).toBe(20)
  })
})
