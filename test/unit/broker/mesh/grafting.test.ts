import { describe, expect, test } from 'vitest'
import { Announcing } from '../../../../src/broker/mesh/announcing.ts'
import { Grafting } from '../../../../src/broker/mesh/grafting.ts'
import { Shards } from '../../../../src/broker/mesh/shards.ts'
import { systemPorts } from '../../../../src/core/default-ports.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import type { Gossip } from '../../../../src/network/network.ts'

function given(linked: number) {
  const clock = new VirtualClock()
  const ports = { ...systemPorts(), clock }
  const meshes = new Map<string, number>()
  const listeners = new Set<(topic: string) => void>()
  const gossip = {
    subscribe: () => {},
    neighbours: (topic: string) => Array.from({ length: meshes.get(topic) ?? 0 }, (_, at) => `n${at}`),
    onChange: (listener: (topic: string) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  } as unknown as Gossip
  const grafting = new Grafting({ ...ports, gossip, neighboursIn: () => linked })
  const graft = (topic: string, count: number): void => {
    meshes.set(topic, count)
    for (const listener of listeners) listener(topic)
  }
  return { clock, ports, grafting, graft, listeners, gossip }
}

/** Whether the work has ended after everything that was to happen at once has happened. */
async function isDone(clock: VirtualClock, work: Promise<unknown>): Promise<boolean> {
  let done = false
  void work.then(() => {
    done = true
  })
  await clock.advance(0)
  return done
}

describe('waiting for grafts', () => {
  test('ends when 4 neighbours are grafted in every topic', async () => {
    const { clock, grafting, graft, listeners } = given(9)
    const waiting = grafting.wait(['a', 'b'], 2_000)
    graft('a', 4)
    graft('b', 3)
    graft('other', 4)
    expect(await isDone(clock, waiting)).toBe(false)
    graft('b', 4)
    expect(await isDone(clock, waiting)).toBe(true)
    expect(listeners.size).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('ends with all neighbours where there are fewer, and at once where there are none', async () => {
    const { clock, grafting, graft } = given(2)
    graft('a', 2)
    expect(await isDone(clock, grafting.wait(['a'], 2_000))).toBe(true)
    expect(await isDone(clock, given(0).grafting.wait(['a'], 2_000))).toBe(true)
  })

  test('ends when the time is up, and counts what is missing', async () => {
    const { clock, grafting, graft, ports } = given(9)
    const waiting = grafting.wait(['a', 'b'], 2_000)
    graft('b', 4)
    await clock.advance(2_000)
    expect(await isDone(clock, waiting)).toBe(true)
    expect(ports.counters.get('broker.gossip.ungrafted')).toBe(1)
  })
})

describe('announcing', () => {
  test('tells once what changed in a turn, and takes acknowledgements and grafts together no longer than 2 s', async () => {
    const { clock, ports, grafting, gossip } = given(4)
    const told: (readonly string[])[] = []
    const shards = new Shards(gossip, clock, 'm', 4)
    const announcing = new Announcing({
      ports,
      members: {
        announcePatterns: (patterns) => {
          told.push(patterns)
          return new Promise((resolve) => clock.after(1_500, resolve))
        },
      },
      shards,
      grafting,
      patterns: () => ['a.b.c', 'amcp.agent.*'],
    })
    announcing.change()
    announcing.change()
    await clock.runFor(announcing.latest!)
    expect(told).toEqual([['a.b.c', 'amcp.agent.*']])
    expect(clock.monotonic()).toBe(2_000)
    // The one shard of a.b.c; what is for agents goes directly.
    expect(ports.counters.get('broker.gossip.ungrafted')).toBe(1)
  })
})
