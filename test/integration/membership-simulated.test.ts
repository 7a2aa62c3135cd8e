import { describe, expect, test } from 'vitest'
import { memberCredentials } from '../../src/context-membership.ts'
import { Counters } from '../../src/core/counters.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { memoryStore } from '../../src/core/memory-store.ts'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'
import type { Members } from '../../src/membership/members.ts'
import { meshMembers } from '../../src/membership/mesh-members.ts'
import type { Network } from '../../src/network/network.ts'
import type { Conditions } from '../../src/network/simulated/conditions.ts'
import { simulatedSwarm } from '../../src/network/simulated/swarm.ts'

interface Node {
  readonly members: Members
  readonly network: Network
  readonly seed: Uint8Array
}

function simulation(conditions: Partial<Conditions> = {}) {
  const clock = new VirtualClock()
  const random = new SeededRandom(7)
  const crypto = nodeCrypto()
  const swarm = simulatedSwarm({ clock, random: new SeededRandom(8), crypto, ...conditions })
  const mesh = foundMemoryMesh({ clock, crypto, random })
  const start = async (addresses: readonly string[], seed?: Uint8Array, port = 1): Promise<Node> => {
    const identity = mesh.member(seed)
    const counters = new Counters()
    const ports = { clock, random: new SeededRandom(identity.id), crypto, logger: silentLogger, counters }
    const network = swarm.network(identity.seed, { port, counters })
    const credentials = memberCredentials({ crypto }, identity)
    const members = meshMembers({ ports, network, store: await memoryStore(), credentials }, { addresses })
    await clock.runFor(network.start())
    await clock.runFor(members.start())
    return { members, network, seed: identity.seed }
  }
  const grow = async (count: number): Promise<Node[]> => {
    const nodes = [await start([])]
    while (nodes.length < count) nodes.push(await start(nodes[0]!.network.addresses))
    return nodes
  }
  return { clock, swarm, start, grow }
}

describe('membership on the simulated network', () => {
  test.each([
    ['a LAN', {}, 1_500],
    ['a WAN of 40 ms a way', { latency: 40, jitter: 20 }, 1_500],
  ])(
    'MS-2 over %s, newcomers to a mesh of 20 are known to all when announced, in time',
    async (_what, conditions, most) => {
      const { clock, start, grow } = simulation(conditions)
      const nodes = await grow(20)
      for (let round = 0; round < 5; round += 1) {
        const before = clock.monotonic()
        const newcomer = await start(nodes[round]!.network.addresses)
        const pattern = `amcp.domain.round${round}.>`
        await clock.runFor(newcomer.members.announcePatterns([pattern]))
        expect(clock.monotonic() - before).toBeLessThanOrEqual(most)
        expect(newcomer.members.unconfirmed).toEqual([])
        for (const { members } of nodes) {
          const audience = members.audienceOf(`amcp.domain.round${round}.x`)
          expect(audience ?? [newcomer.members.self]).toEqual([newcomer.members.self])
          expect(members.present).toContain(newcomer.members.self)
        }
        await clock.runFor(newcomer.members.stop())
        await clock.runFor(newcomer.network.stop())
      }
    },
  )

  test('MS-3 a partition of a minute heals: both sides know each other and converge again', async () => {
    const { clock, swarm, grow } = simulation()
    const nodes = await grow(6)
    const ids = nodes.map(({ members }) => members.self)
    swarm.partition([ids.slice(0, 3), ids.slice(3)])
    await clock.advance(60_000)
    for (const { members } of nodes) expect(members.present).toHaveLength(2)
    swarm.heal()
    await clock.advance(40_000)
    for (const { members } of nodes) {
      expect(members.present).toHaveLength(5)
      expect(members.isConverged).toBe(true)
    }
  })

  test.each([false, true])(
    'MS-3 a context that crashed (silently: %s) and came back under its key is a member again',
    async (silent) => {
      const { clock, swarm, start, grow } = simulation()
      const nodes = await grow(4)
      const victim = nodes[3]!
      swarm.crash(victim.members.self, { silent })
      await clock.advance(500)
      const again = await start(nodes[0]!.network.addresses, victim.seed, 2)
      await clock.runFor(again.members.announcePatterns(['again.>']))
      await clock.advance(20_000)
      for (const { members } of nodes.slice(0, 3)) {
        expect(members.incarnationOf(again.members.self)).toEqual(again.members.incarnation)
        expect(members.isConverged).toBe(true)
        expect(members.audienceOf('again.x')).toEqual([again.members.self])
      }
      expect(again.members.unconfirmed).toEqual([])
    },
  )
})
