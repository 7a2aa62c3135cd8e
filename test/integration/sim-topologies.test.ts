import { describe, expect, test } from 'vitest'
import { type Simulation, simulate } from '../../src/sim/index.ts'

const force = { lanes: { lane: 'gossip' } } as const

/** Each context knows only the one before it and dials nobody else. */
const startChain = async ({ contexts }: Simulation): Promise<void> => {
  for (const [at, context] of contexts.entries())
    await context.start({ ...force, dialBeyond: false, bootstrap: at === 0 ? [] : [contexts[at - 1]!.address] })
}

describe('whole contexts in sparse topologies', () => {
  test('MS-1 in a line of 8, only the ends interested, the first frame arrives by gossip', async () => {
    const options = { seed: 7, contexts: 8, topology: 'line', limit: 60_000 } as const
    const { value } = await simulate(options, async (simulation) => {
      await startChain(simulation)
      const { contexts, until } = simulation
      const heard: string[] = []
      await until(() => contexts.every(({ context }) => context.members.length === 7), 'all know all')
      await contexts[7]!.context.subscribe('amcp.domain.line.>', (event) => {
        heard.push(event.subject)
      }).ready
      await contexts[0]!.context.publish('amcp.domain.line.first', 1)
      await until(() => heard.length > 0, 'heard', 5_000)
      return heard
    })
    expect(value).toEqual(['amcp.domain.line.first'])
  })

  test('in a ring of 6 an event goes round both ways and is handled once by each', async () => {
    const options = { seed: 7, contexts: 6, topology: 'ring', limit: 60_000 } as const
    const { value } = await simulate(options, async (simulation) => {
      await startChain(simulation)
      const { contexts, until, sleep } = simulation
      await until(() => contexts.every(({ context }) => context.members.length === 5), 'all know all')
      const heard = contexts.map(() => 0)
      for (const [at, { context }] of contexts.entries())
        await context.subscribe('amcp.domain.ring.>', () => {
          heard[at]! += 1
        }).ready
      await contexts[2]!.context.publish('amcp.domain.ring.event', 1)
      await until(() => heard.every((count) => count > 0), 'heard by all', 5_000)
      await sleep(1_000)
      return heard
    })
    expect(value).toEqual([1, 1, 1, 1, 1, 1])
  })
})
