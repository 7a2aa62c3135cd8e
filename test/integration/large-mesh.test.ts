import { expect, test } from 'vitest'
import { defineAgent } from '../../src/agent/define-agent.ts'
import { type Simulation, simulate } from '../../src/sim/index.ts'

/** More than the 64 up to which everybody acknowledges everybody. */
const MEMBERS = 80
const LISTENERS = [3, 17, 42, 79] as const
const TOPIC = 'amcp.domain.plant.news'

async function grown(simulation: Simulation): Promise<void> {
  const { contexts, until } = simulation
  for (const [at, home] of contexts.entries())
    await home.start(at === 0 ? {} : { bootstrap: [contexts[Math.floor(at / 2)]!.address] })
  const isKnown = (): boolean => contexts.every(({ context }) => context.members.length === MEMBERS - 1)
  await until(isKnown, `${MEMBERS} members know each other`, 120_000)
  // Links of the growing time end when nobody has used them for two periods.
  await simulation.sleep(40_000)
}

test(`MS-2 in a mesh of ${MEMBERS} links stay few, and events and calls reach whom they should`, async () => {
  await simulate({ seed: 11, contexts: MEMBERS }, async (simulation) => {
    const { contexts, sleep } = simulation
    await grown(simulation)
    const links = contexts.map(({ context }) => context.neighbours.length)
    expect(Math.min(...links)).toBeGreaterThanOrEqual(4)
    expect(Math.max(...links)).toBeLessThan(MEMBERS / 2)
    expect(links.reduce((sum, count) => sum + count, 0) / MEMBERS).toBeLessThan(16)

    const heard = new Map<string, number>()
    for (const at of LISTENERS) {
      const { context } = contexts[at]!
      await context.subscribe('amcp.domain.plant.>', ({ data }) => {
        const key = `${at} ${data}`
        heard.set(key, (heard.get(key) ?? 0) + 1)
      }).ready
    }
    for (const [at, { context }] of contexts.entries()) await context.publish(TOPIC, at)
    await sleep(2_000)
    for (const listener of LISTENERS)
      for (const publisher of contexts.keys()) expect(heard.get(`${listener} ${publisher}`), `${listener}`).toBe(1)
    expect(heard.size).toBe(LISTENERS.length * MEMBERS)

    const where = defineAgent({ type: 'where', capabilities: { where: { handle: (_input, self) => self.id } } })
    const agent = await contexts[55]!.context.spawn(where)
    await contexts[55]!.context.announced()
    await sleep(1_000)
    for (const at of [0, 20, 40, 60]) expect(await contexts[at]!.context.call('where', null)).toBe(agent.id)
    const nobody = expect(contexts[7]!.context.call('nobody.does', null, { deadline: 1_000 })).rejects.toMatchObject({
      code: 'ERR_CAPABILITY_UNKNOWN',
    })
    await sleep(1_100)
    await nobody
  })
})

test('members that come late hear the next event of anybody, and those that crash are forgotten by all', async () => {
  await simulate({ seed: 12, contexts: MEMBERS + 1 }, async (simulation) => {
    const { contexts, sleep, until } = simulation
    const late = contexts[MEMBERS]!
    for (const [at, home] of contexts.slice(0, MEMBERS).entries())
      await home.start(at === 0 ? {} : { bootstrap: [contexts[Math.floor(at / 2)]!.address] })
    await sleep(20_000)
    await late.start({ bootstrap: [contexts[33]!.address] })
    const heard: unknown[] = []
    await late.context.subscribe('amcp.domain.plant.>', ({ data }) => void heard.push(data)).ready
    // Above 64 members only neighbours acknowledge; the others hear of the pattern by and by.
    await sleep(1_000)
    for (const at of [0, 31, 33, 64, 79]) await contexts[at]!.context.publish(TOPIC, at)
    await sleep(2_000)
    expect(heard.sort()).toEqual([0, 31, 33, 64, 79])

    late.crash()
    const isForgotten = (): boolean =>
      contexts.slice(0, MEMBERS).every(({ context }) => !context.members.includes(late.id))
    await until(isForgotten, 'all have noticed the crash', 60_000)
  })
})
