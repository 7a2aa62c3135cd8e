import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'
import { shardOf } from '../../src/events/shard.ts'
import { Interest } from '../../src/membership/interest.ts'
import { Neighbourhood } from '../../src/membership/neighbourhood.ts'
import { ShardRelays } from '../../src/membership/relays.ts'
import { StateMap } from '../../src/membership/state-map.ts'
import { defaultTiming } from '../../src/membership/timing.ts'
import { entry } from '../unit/membership/entry.ts'

const crypto = nodeCrypto()
const SHARDS = 8
const TOPICS = ['a.b.c', 'a.b.d', 'a.b.e', 'a.b.f']
const shards = [...new Set(TOPICS.map((topic) => shardOf(topic, SHARDS)))]

/** Which of the topics each member listens to: mostly few of them, sometimes all by a wildcard. */
const listening = fc.oneof(
  { weight: 6, arbitrary: fc.constant<readonly string[]>([]) },
  { weight: 3, arbitrary: fc.subarray(TOPICS, { maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constant(['a.>']) },
)
const meshes = fc.array(listening, { minLength: 65, maxLength: 100 })

/** What every member computes for itself from the same map. */
function computed(mesh: readonly (readonly string[])[]) {
  const clock = new VirtualClock()
  const map = new StateMap(crypto, 'm0', 30_000)
  const interest = new Interest(map, SHARDS)
  for (const [n, patterns] of mesh.entries()) map.apply(entry(`m${n}`, 1, { patterns }), 0)
  interest.refresh(map.takeChanged())
  const members = mesh.map((_, n) => {
    const relays = new ShardRelays({ crypto, map, interest }, `m${n}`, true)
    return {
      id: `m${n}`,
      relays,
      near: new Neighbourhood({ clock, crypto, map, relays, timing: defaultTiming }, `m${n}`),
    }
  })
  for (const { near } of members) near.refresh()
  return { members, interest }
}

/** How many of the contexts are reached from the first by links between them. */
function reached(contexts: readonly string[], isLinked: (one: string, other: string) => boolean): number {
  const found = new Set(contexts.slice(0, 1))
  for (const one of found) for (const other of contexts) if (isLinked(one, other)) found.add(other)
  return found.size
}

test('the members of each shard hold together by links that both ends keep, also without any one of them', () => {
  fc.assert(
    fc.property(meshes, fc.nat(), (mesh, gone) => {
      const { members, interest } = computed(mesh)
      const nearOf = new Map(members.map(({ id, near }) => [id, near]))
      for (const shard of shards) {
        const relays = members.filter((member) => member.relays.shards.has(shard)).map(({ id }) => id)
        expect(relays.length === 0).toBe(interest.byShard[shard]!.size === 0)
        for (const listener of interest.byShard[shard]!) expect(relays).toContain(listener)
        const isLinked = (one: string, other: string): boolean => {
          expect(nearOf.get(one)!.has(other)).toBe(nearOf.get(other)!.has(one))
          return one !== other && nearOf.get(one)!.has(other)
        }
        const left = relays.filter((_, at) => at !== gone % relays.length)
        expect(reached(left, isLinked)).toBe(left.length)
        for (const one of relays)
          expect(relays.filter((other) => isLinked(one, other)).length).toBeGreaterThanOrEqual(
            Math.min(4, relays.length - 1),
          )
      }
    }),
    { numRuns: 8 },
  )
})

test('whoever publishes in a shard has 4 ways into it', () => {
  fc.assert(
    fc.property(meshes, (mesh) => {
      const { members, interest } = computed(mesh)
      for (const { relays, near } of members)
        for (const shard of shards) {
          if (relays.shards.has(shard)) continue
          near.seek(shard)
          near.refresh()
          const ways = [...near.chosenIn(shard)]
          expect(ways).toHaveLength(interest.byShard[shard]!.size === 0 ? 0 : 4)
          for (const way of ways) expect(relays.has(way, shard) && near.chosen.has(way)).toBe(true)
        }
    }),
    { numRuns: 8 },
  )
})
