import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { OwnerPace } from '../../../src/membership/owner-pace.ts'
import type { StateEntry } from '../../../src/membership/state-entry.ts'
import { recordOf, session } from './by-hand.ts'
import { agentOf, idOf } from './fake-mesh.ts'

describe('the pace of an owner', () => {
  const setup = () => {
    const clock = new VirtualClock()
    const counters = new Counters()
    const pace = new OwnerPace({ clock, counters })
    const takeable = (owner: string, bytes = 0): number => {
      let taken = 0
      while (pace.mayTake(owner, bytes)) taken += 1
      return taken
    }
    return { clock, counters, pace, takeable }
  }

  test('is 1,000 versions at once and 200 a second, of each owner by itself', async () => {
    const { clock, takeable } = setup()
    expect(takeable('a')).toBe(1_000)
    await clock.advance(1_000)
    expect([takeable('a'), takeable('b')]).toEqual([200, 1_000])
  })

  test('large bodies count by their bytes', () => {
    const { takeable } = setup()
    expect(takeable('a', 16_383)).toBe(1_000)
    expect(takeable('b', 1_048_576)).toBe(15)
  })

  test('of what comes too early the newest waits, and is told how long it did', async () => {
    const { clock, counters, pace } = setup()
    const taken: [number, number][] = []
    const hold = (version: number): void => pace.hold('a', version, (waited) => taken.push([version, waited]))
    hold(1)
    await clock.advance(40)
    hold(3)
    hold(2)
    await clock.advance(60)
    expect(taken).toEqual([[3, 60]])
    await clock.advance(1_000)
    expect([taken.length, clock.pending, counters.get('membership.entry.delayed')]).toEqual([1, 0, 3])
  })

  test('of an owner that is gone, or of a context that stops, nothing waits', async () => {
    const { clock, pace, takeable } = setup()
    takeable('a')
    for (const owner of ['a', 'b']) pace.hold(owner, 1, () => expect.unreachable())
    pace.forget('a')
    expect([takeable('a'), clock.pending]).toEqual([1_000, 1])
    pace.stop()
    expect(clock.pending).toBe(0)
  })
})

describe('a member that changes faster than others can follow', () => {
  const offersOf = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ agent: agentOf(5, n), capability: 'c', version: '1' }))

  test('is followed at a bounded pace, and its last word counts', async () => {
    const { mesh, host, heard, say, own } = await session()
    const five = own(5)
    const versions: StateEntry[] = []
    for (let n = 0; n < 1_500; n += 1) {
      five.change({ patterns: [`n${n}.>`] })
      versions.push(five.issue({ acknowledge: true }))
    }
    let changes = 0
    host.members.onChange(() => {
      changes += 1
    })
    // One a message, so that each one taken is a change of its own.
    await say(...versions.map((entry) => ({ t: 'entries' as const, records: [recordOf(entry)] })))
    expect(host.ports.counters.get('membership.entry.delayed')).toBeGreaterThan(400)
    await mesh.clock.advance(200)
    expect(host.members.listenersOf('n1499.x')).toEqual([idOf(5)])
    expect(host.members.listenersOf('n1498.x')).toEqual([])
    const acks = heard.flatMap((message) => (message.t === 'acks' ? message.acks : []))
    expect(acks.at(-1)).toEqual([idOf(5), versions.at(-1)!.head.version, idOf(1)])
    expect(changes).toBeGreaterThan(0)
  })

  test('whose entries are large is followed more slowly still', async () => {
    const { mesh, host, say, own } = await session()
    const five = own(5)
    const entries = Array.from({ length: 230 }, (_, n) => {
      five.change({ offers: offersOf(2_000 + n) })
      return five.issue({})
    })
    await say(...entries.map((entry) => ({ t: 'entries' as const, records: [recordOf(entry)] })))
    expect(host.ports.counters.get('membership.entry.delayed')).toBeGreaterThan(10)
    await mesh.clock.advance(200)
    expect(host.members.offersOf('c').offers).toHaveLength(2_229)
  })

  test('and an entry that waited is that much older', async () => {
    const { mesh, host, say, own } = await session()
    const five = own(5)
    const old = Array.from({ length: 1_100 }, () => ({
      t: 'entries' as const,
      records: [recordOf(five.issue({}), { age: 29_950 })],
    }))
    await say(...old)
    expect(host.ports.counters.get('membership.entry.too-old')).toBe(0)
    await mesh.clock.advance(200)
    expect(host.ports.counters.get('membership.entry.too-old')).toBe(1)
  })
})
