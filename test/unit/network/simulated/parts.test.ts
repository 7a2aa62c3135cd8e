import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { Faults } from '../../../../src/network/simulated/faults.ts'
import { pick } from '../../../../src/network/simulated/pick.ts'
import { RecordTable } from '../../../../src/network/simulated/records.ts'
import { SeenCache } from '../../../../src/network/simulated/seen-cache.ts'
import { TopicMesh } from '../../../../src/network/simulated/topic-mesh.ts'
import { mayLink } from '../../../../src/network/simulated/topology.ts'

describe('faults', () => {
  test('a partition blocks between groups, both ways; who is in none is in one group more', () => {
    const faults = new Faults()
    expect(faults.isBlocked('a', 'c')).toBe(false)
    faults.partition([['a', 'b'], ['c']])
    expect(faults.isBlocked('a', 'b')).toBe(false)
    expect(faults.isBlocked('a', 'c')).toBe(true)
    expect(faults.isBlocked('c', 'b')).toBe(true)
    expect(faults.isBlocked('x', 'y')).toBe(false)
    expect(faults.isBlocked('x', 'a')).toBe(true)
    faults.partition([['a', 'c']])
    expect(faults.isBlocked('a', 'c')).toBe(false)
    expect(faults.isBlocked('a', 'b')).toBe(true)
    faults.heal()
    expect(faults.isBlocked('a', 'b')).toBe(false)
  })

  test('a black hole blocks one direction', () => {
    const faults = new Faults()
    faults.blackhole('a', 'b')
    faults.blackhole('a', 'c')
    expect(faults.isBlocked('a', 'b')).toBe(true)
    expect(faults.isBlocked('a', 'c')).toBe(true)
    expect(faults.isBlocked('b', 'a')).toBe(false)
    faults.heal()
    expect(faults.isBlocked('a', 'b')).toBe(false)
  })
})

describe('topologies', () => {
  const links = (topology: Parameters<typeof mayLink>[0], count: number): string[] => {
    const found: string[] = []
    for (let one = 0; one < count; one += 1)
      for (let other = one + 1; other < count; other += 1)
        if (mayLink(topology, one, other, count)) found.push(`${one}${other}`)
    return found
  }

  test('say who is whose neighbour', () => {
    expect(links('full', 4)).toEqual(['01', '02', '03', '12', '13', '23'])
    expect(links('line', 4)).toEqual(['01', '12', '23'])
    expect(links('ring', 4)).toEqual(['01', '03', '12', '23'])
    expect(links((one, other) => one + other === 3, 4)).toEqual(['03', '12'])
  })
})

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

describe('the mesh of a topic', () => {
  const peers = Array.from({ length: 20 }, (_, at) => `peer ${at}`)

  test('grafts up to 6 and is mended below 4', () => {
    const mesh = new TopicMesh()
    const grafted = mesh.graft(peers, new SeededRandom(1), 0)
    expect(grafted.length).toBe(6)
    expect([...mesh.members]).toEqual(grafted)
    for (const peer of grafted.slice(0, 2)) mesh.forget(peer)
    expect(mesh.graft(peers, new SeededRandom(1), 0)).toEqual([])
    mesh.forget(grafted[2]!)
    expect(mesh.graft(peers, new SeededRandom(1), 0).length).toBe(3)
    expect(mesh.members.size).toBe(6)
  })

  test('leaves a peer that pruned alone for a minute', () => {
    const mesh = new TopicMesh()
    mesh.members.add('a')
    mesh.backOff('a', 0)
    expect(mesh.graft(['a'], new SeededRandom(1), 59_999)).toEqual([])
    expect(mesh.graft(['a'], new SeededRandom(1), 60_000)).toEqual(['a'])
  })

  test('is full at 12', () => {
    const mesh = new TopicMesh()
    for (const peer of peers.slice(0, 11)) mesh.members.add(peer)
    expect(mesh.isFull).toBe(false)
    mesh.members.add('one more')
    expect(mesh.isFull).toBe(true)
  })
})

describe('the table of records', () => {
  test('forgets records that were not renewed for ten minutes', () => {
    const table = new RecordTable()
    table.put('key', 'a', 0)
    table.put('key', 'b', 300_000)
    expect(table.providers('key', 599_999)).toEqual(['a', 'b'])
    expect(table.providers('key', 600_000)).toEqual(['b'])
    table.remove('key', 'b')
    table.remove('key', 'b')
    expect(table.providers('key', 0)).toEqual([])
  })
})
