import { type Simulation, type SwarmEvent, simulate } from '../src/sim/index.ts'
import { CONTEXTS, GROUPS, MeshWorld } from './mesh-world.ts'
import type { Outcome, Row, Scenario, ScenarioOptions } from './scenario.ts'

/** The context that is killed; it hosts one of the agents that answer calls. */
const VICTIM = 3
/** Virtual ms: before the crash, until the restart, after it, and for what is still under way at the end. */
const BEFORE = 5_000
const DOWN = 3_000
const AFTER = 5_000
const REST = 2_000
/** Events published this close to a crash or a restart, and calls, may miss the victim's agents. */
const UNSURE = 2_500

interface Course {
  readonly world: MeshWorld
  readonly joins: readonly number[]
  readonly crashedAt: number
  readonly startedAt: number
  readonly goneAfter: number
  readonly backAfter: number
  readonly marks: readonly (readonly [at: number, label: string])[]
}

/** Hello, gossip, calls, a crash and a restart in a mesh of 20 whole contexts. */
export const mesh: Scenario = {
  name: 'mesh',
  description: '20 whole contexts: joining by one address, events, calls, one crash, one restart',
  run: async ({ agents, seed }: ScenarioOptions): Promise<Outcome> => {
    const events: SwarmEvent[] = []
    const options = { seed, contexts: CONTEXTS, observe: (event: SwarmEvent) => events.push(event) }
    const { value, trace, sha256, elapsed } = await simulate(options, (simulation) => course(simulation, agents))
    const rows = judge(value, agents)
    return { rows, sha256, lines: trace.lines, elapsed, trace: trace.chunks(), events, marks: value.marks }
  },
}

async function course(simulation: Simulation, agents: number): Promise<Course> {
  const { clock, contexts, random, note } = simulation
  const world = new MeshWorld(simulation, agents)
  const populate = async (at: number): Promise<void> => {
    const { context } = contexts[at]!
    for (let agent = at; agent < agents; agent += CONTEXTS)
      await context.spawn(world.define(agent), { name: `cell-${agent}` })
    await context.announced()
  }
  const joins: number[] = []
  for (const [at, context] of contexts.entries()) {
    const from = clock.monotonic()
    const known = contexts[Math.floor(random.float() * at)]!
    await context.start(at === 0 ? {} : { bootstrap: [known.address] })
    await populate(at)
    joins.push(clock.monotonic() - from)
    note('joined', context.name)
  }
  await simulation.until(() => contexts.every(({ context }) => context.members.length === CONTEXTS - 1), 'all know all')
  await simulation.sleep(BEFORE)

  const victim = contexts[VICTIM]!
  const others = contexts.filter((context) => context !== victim)
  const knowing = (): number => others.filter(({ context }) => context.members.includes(victim.id)).length
  const crashedAt = clock.monotonic()
  victim.crash()
  await simulation.until(() => knowing() === 0, 'all noticed the crash')
  const goneAfter = clock.monotonic() - crashedAt
  await simulation.sleep(DOWN)
  const startedAt = clock.monotonic()
  note('restart', victim.name)
  await victim.start({ bootstrap: [contexts[0]!.address] })
  await populate(VICTIM)
  await simulation.until(() => knowing() === others.length, 'all know it again')
  const backAfter = clock.monotonic() - startedAt
  await simulation.sleep(AFTER)
  world.isQuiet = true
  await simulation.sleep(REST)
  const marks = [[crashedAt, `crash of ${victim.name}`] as const, [startedAt, `restart of ${victim.name}`] as const]
  await Promise.all(contexts.map((context) => context.stop()))
  return { world, joins, crashedAt, startedAt, goneAfter, backAfter, marks }
}

function judge(course: Course, agents: number): Row[] {
  const { world, joins, crashedAt, startedAt, goneAfter, backAfter } = course
  const readyAt = startedAt + backAfter
  const isSure = (at: number): boolean => at < crashedAt - UNSURE || at > readyAt
  const joinedAt = joins.reduce((sum, ms) => sum + ms, 0)
  let published = 0
  let received = 0
  let expected = 0
  let missing = 0
  let doubled = 0
  let strayed = 0
  for (const { at, publisher, heard } of world.published.flat()) {
    published += 1
    for (const [agent, count] of heard) {
      if (agent % GROUPS !== publisher % GROUPS) strayed += 1
      received += 1
      doubled += count - 1
    }
    if (at < joinedAt) continue
    for (let agent = publisher % GROUPS; agent < agents; agent += GROUPS) {
      const involvesVictim = agent % CONTEXTS === VICTIM || publisher % CONTEXTS === VICTIM
      if (involvesVictim && !isSure(at)) continue
      expected += 1
      if (!heard.has(agent)) missing += 1
    }
  }
  const surprising = world.failedCalls.filter(({ at }) => at > joinedAt && isSure(at)).length
  const inVain = world.failedCalls.filter(({ at, code }) => at > joinedAt && code === 'ERR_CALL_DEADLINE').length
  return [
    { what: 'contexts joined by one address', value: `${joins.length}`, holds: joins.length === CONTEXTS },
    { what: 'joining, p50 / max', value: `${ms(quantile(joins, 0.5))} / ${ms(Math.max(...joins))}` },
    { what: 'events published', value: `${published}`, holds: published > 0 },
    { what: 'receptions', value: `${received}`, holds: received > 0 },
    { what: 'receptions due and missing', value: `${missing} of ${expected}`, holds: missing === 0 },
    { what: 'received twice', value: `${doubled}`, holds: doubled === 0 },
    { what: 'received by who did not ask for it', value: `${strayed}`, holds: strayed === 0 },
    { what: 'out of order, for each publishing context', value: `${world.outOfOrder}`, holds: world.outOfOrder === 0 },
    { what: 'event latency, p50 / p99', value: spread(world.eventLatencies) },
    { what: 'calls answered', value: `${world.callLatencies.length}`, holds: world.callLatencies.length > 0 },
    { what: 'wrong answers', value: `${world.wrongAnswers}`, holds: world.wrongAnswers === 0 },
    { what: 'calls failed away from crash and restart', value: `${surprising}`, holds: surprising === 0 },
    { what: 'calls failed near them', value: `${world.failedCalls.length - surprising}` },
    { what: 'calls that waited for their deadline', value: `${inVain}`, holds: inVain === 0 },
    { what: 'call latency, p50 / p99', value: spread(world.callLatencies) },
    { what: 'crash noticed by all after', value: ms(goneAfter), holds: goneAfter < 60_000 },
    { what: 'restarted context known to all after', value: ms(backAfter), holds: backAfter < 10_000 },
  ]
}

function spread(values: readonly number[]): string {
  return `${ms(quantile(values, 0.5))} / ${ms(quantile(values, 0.99))}`
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}
