import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { shardOf } from '../../../src/events/shard.ts'
import { Interest } from '../../../src/membership/interest.ts'
import { Neighbourhood } from '../../../src/membership/neighbourhood.ts'
import { FULL_MESH, Ring } from '../../../src/membership/neighbours.ts'
import { ShardRelays } from '../../../src/membership/relays.ts'
import { FLAG_LEFT } from '../../../src/membership/state-entry.ts'
import { StateMap } from '../../../src/membership/state-map.ts'
import { defaultTiming } from '../../../src/membership/timing.ts'
import { entry } from './entry.ts'
import { crypto } from './fake-mesh.ts'

const members = (count: number): string[] => Array.from({ length: count }, (_, n) => `member-${n}`)

describe('chosen neighbours', () => {
  const ringOf = (all: readonly string[]): Ring => {
    const ring = new Ring(crypto)
    ring.set(all)
    return ring
  }

  test('are all others up to a handful', () => {
    for (let count = 1; count <= FULL_MESH; count += 1)
      expect(ringOf(members(count)).chosenBy('member-0').size).toBe(count - 1)
  })

  test('of somebody who is no member are none', () => {
    expect(ringOf(members(20)).chosenBy('stranger').size).toBe(0)
    expect(ringOf(members(20)).areNeighbours('stranger', 'member-1')).toBe(false)
  })

  test.each([
    [9, 6],
    [13, 6],
    [20, 6],
    [64, 8],
    [200, 10],
  ])(
    'of %i give everybody at least 4 links, about %i on average, and hold together without any one',
    (count, about) => {
      const all = members(count)
      const ring = ringOf(all)
      const links = new Map(all.map((one) => [one, new Set(all.filter((other) => ring.areNeighbours(one, other)))]))
      let sum = 0
      for (const [one, others] of links) {
        expect(others.has(one)).toBe(false)
        expect(others.size).toBeGreaterThanOrEqual(4)
        expect(others.size).toBeLessThanOrEqual(Math.min(count - 2, 2 * about))
        sum += others.size
      }
      expect(sum / count).toBeLessThanOrEqual(about)
      for (const gone of all.slice(0, 5)) {
        const start = all.find((one) => one !== gone)!
        const reached = new Set([start])
        for (const one of reached) for (const other of links.get(one)!) if (other !== gone) reached.add(other)
        expect(reached.size).toBe(count - 1)
      }
    },
  )

  test('change for few when somebody comes', () => {
    const [before, after] = [ringOf(members(40)), ringOf(members(41))]
    const changed = members(40).filter((one) => {
      const was = before.chosenBy(one)
      return [...after.chosenBy(one)].some((other) => !was.has(other))
    })
    expect(changed.length).toBeLessThanOrEqual(4)
  })

  test('do not depend on the order in which members are listed', () => {
    const all = members(20)
    expect(ringOf(all.toReversed()).chosenBy('member-3')).toEqual(ringOf(all).chosenBy('member-3'))
  })
})

/** A mesh of which each member knows the same: who listens to what. */
function given(patternsOf: (n: number) => readonly string[], count: number, dialBeyond = true) {
  const clock = new VirtualClock()
  const map = new StateMap(crypto, 'member-0', 30_000)
  const interest = new Interest(map, 64)
  const tell = (n: number, version: number, patterns: readonly string[], flags = 0): void => {
    map.apply(entry(`member-${n}`, version, { patterns }, flags), 0)
    interest.refresh(map.takeChanged())
  }
  for (let n = 0; n < count; n += 1) tell(n, 1, patternsOf(n))
  const relaysOf = (self: string): ShardRelays => new ShardRelays({ crypto, map, interest }, self, dialBeyond)
  const at = (n: number): Neighbourhood => {
    const self = `member-${n}`
    const neighbourhood = new Neighbourhood({ clock, crypto, map, relays: relaysOf(self), timing: defaultTiming }, self)
    neighbourhood.refresh()
    return neighbourhood
  }
  return { clock, map, tell, relaysOf, at }
}

const NEWS = 'a.b.news'
const SHARD = shardOf(NEWS)
/** Every fifth member listens to the news. */
const fifths = (n: number): readonly string[] => (n % 5 === 0 ? [`${NEWS}.>`] : [])

describe('who passes on a shard', () => {
  test('up to 64 members: everybody, if anybody listens', () => {
    const { relaysOf } = given(fifths, 64)
    const relays = relaysOf('member-1')
    expect([...relays.shards]).toEqual([SHARD])
    expect(relays.has('member-2', SHARD)).toBe(true)
    expect(relays.has('stranger', SHARD)).toBe(false)
    expect(relays.has('member-2', SHARD + 1)).toBe(false)
    expect(relays.hasOther(SHARD)).toBe(true)
    expect(relays.hasOther(SHARD + 1)).toBe(false)
  })

  test('alone: nobody else', () => {
    expect(
      given(() => [NEWS], 1)
        .relaysOf('member-0')
        .hasOther(SHARD),
    ).toBe(false)
  })

  test('above: who listens', () => {
    const { relaysOf, tell } = given(fifths, 65)
    const [listener, other] = [relaysOf('member-5'), relaysOf('member-1')]
    expect([...listener.shards]).toEqual([SHARD])
    expect(listener.shards).toBe(listener.shards)
    expect([...other.shards]).toEqual([])
    expect(other.has('member-5', SHARD)).toBe(true)
    expect(other.has('member-1', SHARD)).toBe(false)
    expect(other.has('member-5', 64)).toBe(false)
    expect(other.hasOther(SHARD)).toBe(true)
    expect(other.hasOther(SHARD + 1)).toBe(false)
    tell(64, 2, [], FLAG_LEFT)
    expect(other.shards.size).toBe(1)
  })

  test('where few listen, some others as well, the same for everybody, and nobody where none listens', () => {
    const { relaysOf, tell } = given((n) => (n === 30 ? [NEWS] : []), 80)
    const relaying = (): string[] => members(80).filter((one) => relaysOf('member-1').has(one, SHARD))
    const before = relaying()
    expect(before).toHaveLength(10)
    expect(before).toContain('member-30')
    for (const one of members(80)) expect(relaysOf(one).shards.has(SHARD)).toBe(before.includes(one))
    tell(80, 1, [])
    expect(before.filter((one) => !relaying().includes(one)).length).toBeLessThanOrEqual(1)
    tell(31, 2, [NEWS])
    expect(relaying()).toContain('member-31')
    tell(30, 2, [])
    tell(31, 3, [])
    expect(relaying()).toEqual([])
    expect(relaysOf('member-1').hasOther(SHARD)).toBe(false)
  })

  test('stays the same set where nothing changes when somebody comes or listens elsewhere', () => {
    const { relaysOf, tell } = given((n) => (n === 30 ? ['>'] : []), 100)
    const relays = relaysOf('member-1')
    const changedBy = (tellIt: () => void): number => {
      const before = relays.byShard!
      tellIt()
      return relays.byShard!.filter((some, shard) => some !== before[shard]).length
    }
    expect(changedBy(() => tell(40, 2, [NEWS]))).toBe(1)
    expect(changedBy(() => tell(40, 3, [`${NEWS}.other`]))).toBe(0)
    expect(changedBy(() => tell(100, 1, []))).toBeLessThanOrEqual(64 / 4)
    // Now an eighth of them is one more.
    const more = (): void => {
      for (let n = 101; n < 105; n += 1) tell(n, 1, [])
    }
    expect(changedBy(more)).toBe(64)
  })

  test('on a line, where nobody may link to whom a shard asks for: everybody', () => {
    expect([...given(fifths, 100, false).relaysOf('member-1').shards]).toEqual([SHARD])
  })
})

describe('the neighbourhood', () => {
  test('of somebody who listens has 4 who pass on the shard as well, however few listen, and both ends know', () => {
    const { at } = given(fifths, 100)
    for (let n = 0; n < 100; n += 5) {
      const own = at(n)
      const near = Array.from({ length: 20 }, (_, k) => k * 5).filter((k) => k !== n && own.has(`member-${k}`))
      expect(near.length).toBeGreaterThanOrEqual(4)
      for (const k of near) expect(at(k).has(`member-${n}`)).toBe(true)
      expect([...own.chosenIn(SHARD)].length).toBeGreaterThanOrEqual(3)
      for (const peer of own.chosenIn(SHARD)) expect(own.chosen.has(peer)).toBe(true)
    }
  })

  test('needs no links of its own for a shard that all pass on', () => {
    const all = given(() => ['>'], 100).at(7)
    const none = given(() => [], 100).at(7)
    expect([...all.chosen].sort()).toEqual([...none.chosen].sort())
    expect([...all.chosenIn(SHARD)].sort()).toEqual([...all.chosen].sort())
    expect([...none.chosenIn(SHARD)]).toEqual([])
  })

  test('has one ring only up to 64 members, and follows when there are more', () => {
    const { at, tell } = given(fifths, 64)
    const own = at(5)
    expect([...own.chosenIn(SHARD)]).toEqual([])
    expect(own.seek(SHARD + 1)).toBe(false)
    tell(64, 1, [])
    own.refresh()
    expect([...own.chosenIn(SHARD)].length).toBeGreaterThanOrEqual(3)
    tell(65, 1, [`${NEWS}.x`])
    tell(64, 2, [], FLAG_LEFT)
    tell(65, 2, [], FLAG_LEFT)
    own.refresh()
    expect([...own.chosenIn(SHARD)]).toEqual([])
  })

  test('follows who listens', () => {
    const { at, tell, relaysOf } = given(fifths, 100)
    const own = at(1)
    expect([...own.chosenIn(SHARD)]).toEqual([])
    tell(1, 2, [NEWS])
    own.refresh()
    for (const peer of own.chosenIn(SHARD)) expect(relaysOf('member-1').has(peer, SHARD)).toBe(true)
    expect([...own.chosenIn(SHARD)].length).toBeGreaterThanOrEqual(3)
    tell(1, 3, [])
    own.refresh()
    expect([...own.chosenIn(SHARD)]).toEqual([])
  })

  test('knows who dials this context as well', () => {
    const few = given(() => [], 8).at(1)
    expect(few.isMutual('member-2')).toBe(true)
    expect(few.isMutual('stranger')).toBe(false)
    const many = given((n) => (n < 10 ? [NEWS] : []), 70)
    for (const peer of many.at(5).chosenIn(SHARD)) expect(many.at(5).isMutual(peer)).toBe(false)
    many.tell(8, 2, [])
    many.tell(9, 2, [])
    expect(many.at(5).isMutual('member-60')).toBe(false)
  })

  test('of a publisher has 4 entrances to the shard, until 15 s after its last frame', async () => {
    const { at, clock } = given(fifths, 100)
    const own = at(1)
    expect(own.seek(SHARD)).toBe(true)
    expect(own.seek(SHARD)).toBe(false)
    own.refresh()
    const entrances = [...own.chosenIn(SHARD)]
    expect(entrances).toHaveLength(4)
    for (const entrance of entrances) {
      expect(Number(entrance.slice('member-'.length)) % 5).toBe(0)
      expect(own.has(entrance)).toBe(true)
    }
    await clock.advance(14_000)
    own.seek(SHARD)
    await clock.advance(14_000)
    own.refresh()
    expect([...own.chosenIn(SHARD)]).toEqual(entrances)
    await clock.advance(1_000)
    own.refresh()
    expect([...own.chosenIn(SHARD)]).toEqual([])
    expect(own.seek(SHARD)).toBe(true)
  })

  test('of publishers has different entrances, so that no listener carries all', () => {
    const { at } = given(fifths, 100)
    const chosen = new Set<string>()
    for (const n of [1, 2, 3, 4, 6, 7, 8, 9]) {
      const own = at(n)
      own.seek(SHARD)
      own.refresh()
      for (const entrance of own.chosenIn(SHARD)) chosen.add(entrance)
    }
    expect(chosen.size).toBeGreaterThan(10)
  })

  test('of all who publish to one listener asks for links of all who pass it on alike, some 4 of each 8 members', () => {
    const { at } = given((n) => (n === 7 ? [NEWS] : []), 200)
    const links = new Map<string, number>()
    for (let n = 0; n < 200; n += 1) {
      const own = at(n)
      own.seek(SHARD)
      own.refresh()
      if (n !== 7) for (const entrance of own.chosenIn(SHARD)) links.set(entrance, (links.get(entrance) ?? 0) + 1)
    }
    expect(links.size).toBe(200 / 8)
    expect(Math.max(...links.values())).toBeLessThan(2 * 32)
  })

  test('of somebody who listens or publishes in all shards is not everybody', () => {
    const all = given((n) => (n === 7 ? ['>'] : []), 300)
    const dialled = Array.from({ length: 300 }, (_, n) => n).filter((n) => n !== 7 && all.at(7).has(`member-${n}`))
    expect(dialled.length).toBeLessThan(80)
    const publisher = all.at(8)
    for (let shard = 0; shard < 64; shard += 1) publisher.seek(shard)
    publisher.refresh()
    expect(publisher.chosen.size).toBeLessThan(60)
  })

  test('takes the ring of a shard for its entrances when the publisher listens as well', () => {
    const { at, tell } = given(fifths, 100)
    const own = at(1)
    own.seek(SHARD)
    tell(1, 2, [NEWS])
    own.refresh()
    const [chosen] = own.chosenIn(SHARD)
    expect(own.has(chosen!)).toBe(true)
    tell(1, 3, [])
    own.refresh()
    expect([...own.chosenIn(SHARD)]).toHaveLength(4)
  })
})
