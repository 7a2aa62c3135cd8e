import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LevelNames, UNKNOWN_LEVEL } from '../../../src/events/level-names.ts'

const read = (names: LevelNames, topic: string, room = 8): number[] | undefined => {
  const into = new Int32Array(room)
  const depth = names.read(topic, into)
  return depth === undefined ? undefined : [...into.slice(0, depth)]
}

describe('the names of levels', () => {
  test('reads the ids of a topic, and which levels nobody uses', () => {
    const names = new LevelNames()
    const [a, bc] = [names.acquire('a'), names.acquire('bc')]
    expect(read(names, 'a.bc.b.c.bc')).toEqual([a, bc, UNKNOWN_LEVEL, UNKNOWN_LEVEL, bc])
    expect(read(names, 'bc')).toEqual([bc])
    expect(names.idOf('a')).toBe(a)
    expect(names.idOf('bd')).toBe(UNKNOWN_LEVEL)
  })

  test('reads as many levels as there is room for, and no more', () => {
    const names = new LevelNames()
    expect(read(names, 'a.b', 2)).toHaveLength(2)
    expect(read(names, 'a.b.c', 2)).toBeUndefined()
    expect(read(names, 'a.b.c.d', 2)).toBeUndefined()
  })

  test('forgets a level with its last use, and gives its id to another', () => {
    const names = new LevelNames()
    const id = names.acquire('a')
    expect(names.acquire('a')).toBe(id)
    names.release(id)
    expect(names.idOf('a')).toBe(id)
    names.release(id)
    expect(names.idOf('a')).toBe(UNKNOWN_LEVEL)
    expect(names.acquire('b')).toBe(id)
  })

  test('tells levels of the same hash apart', () => {
    // Two names that FNV-1a gives one hash.
    const names = new LevelNames()
    const [first, second] = [names.acquire('costarring'), names.acquire('liquid')]
    expect(first).not.toBe(second)
    expect(read(names, 'liquid.costarring')).toEqual([second, first])
    names.release(first)
    expect(read(names, 'liquid.costarring')).toEqual([second, UNKNOWN_LEVEL])
  })

  test('knows what a map knows, however many come and go', () => {
    const name = fc.integer({ min: 0, max: 400 }).map((n) => `level-${n}`)
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.boolean()), { maxLength: 1_500 }), (steps) => {
        const names = new LevelNames()
        const uses = new Map<string, number>()
        for (const [one, isMore] of steps) {
          const used = uses.get(one) ?? 0
          if (isMore) names.acquire(one)
          else if (used > 0) names.release(names.idOf(one))
          uses.set(one, Math.max(0, used + (isMore ? 1 : -1)))
        }
        const ids = [...uses].filter(([, used]) => used > 0).map(([one]) => names.idOf(one))
        expect(new Set(ids).size).toBe(ids.length)
        for (const [one, used] of uses) expect(names.idOf(one) === UNKNOWN_LEVEL).toBe(used === 0)
      }),
      { numRuns: 50 },
    )
  })
})
