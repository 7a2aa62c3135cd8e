import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Subscription } from '../../src/agent/queued-subscription.ts'
import { type Simulation, simulate } from '../../src/sim/index.ts'
import { courses } from './courses.ts'

const CONTEXTS = 6
const TOPICS = ['amcp.domain.red.one', 'amcp.domain.red.two', 'amcp.domain.blue'] as const
const PATTERNS = ['amcp.domain.>', 'amcp.domain.red.*', 'amcp.domain.blue', 'amcp.domain.red.one'] as const

type Step =
  | { readonly do: 'start' | 'stop'; readonly context: number }
  | { readonly do: 'crash'; readonly context: number; readonly silent: boolean }
  | { readonly do: 'listen' | 'ignore'; readonly context: number; readonly pattern: number }
  | { readonly do: 'publish'; readonly context: number; readonly topic: number }
  | { readonly do: 'part'; readonly context: number }
  | { readonly do: 'heal' }
  | { readonly do: 'pass'; readonly ms: number }

const context = fc.nat({ max: CONTEXTS - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('start' as const, 'stop' as const), context }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), context, silent: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('listen' as const, 'ignore' as const),
      context,
      pattern: fc.nat({ max: PATTERNS.length - 1 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('publish' as const), context, topic: fc.nat({ max: TOPICS.length - 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('part' as const), context }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('heal' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat({ max: 4_000 }) }) },
)

/** Contexts that come, go and listen as a script says, and what each of them hears. */
class Town {
  readonly #simulation: Simulation
  /** By context and pattern, in the present life. */
  readonly #listening = new Map<string, Subscription>()
  /** How often each context heard each event, by the pattern that brought it. */
  readonly heard = new Map<string, number>()
  #events = 0

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  async take(one: Step): Promise<void> {
    const { swarm, sleep } = this.#simulation
    if (one.do === 'pass') await sleep(one.ms)
    else if (one.do === 'heal') swarm.heal()
    else if (one.do === 'part') swarm.partition([[this.#at(one.context).id]])
    else if (one.do === 'start') await this.start(one.context)
    else if (one.do === 'stop') await this.#end(one.context, () => this.#at(one.context).stop())
    else if (one.do === 'crash') {
      await this.#end(one.context, async () => this.#at(one.context).crash({ silent: one.silent }))
    } else if (one.do === 'publish') await this.publish(one.context, one.topic)
    else if (one.do === 'listen' || one.do === 'ignore')
      await this.#listen(one.do === 'listen', one.context, one.pattern)
  }

  get running(): readonly number[] {
    return this.#simulation.contexts.flatMap((home, at) => (home.isRunning ? [at] : []))
  }

  async start(at: number): Promise<void> {
    const home = this.#at(at)
    if (home.isRunning) return
    const others = this.running.map((other) => this.#at(other).address)
    // Every address that somebody has: who started alone is found again by the next that starts.
    await home.start({ bootstrap: others })
  }

  async publish(at: number, topic: number): Promise<number | undefined> {
    const home = this.#at(at)
    if (!home.isRunning) return undefined
    const id = this.#events
    this.#events += 1
    await home.context.publish(TOPICS[topic]!, id)
    return id
  }

  /** What a context's subscriptions fit, of one topic. */
  patternsOf(at: number, topic: number): string[] {
    const fitting = [
      [0, 1, 3],
      [0, 1],
      [0, 2],
    ][topic]!
    return fitting.flatMap((pattern) => (this.#listening.has(`${at} ${pattern}`) ? [`${at} ${pattern}`] : []))
  }

  #at(at: number) {
    return this.#simulation.contexts[at]!
  }

  async #end(at: number, how: () => Promise<void>): Promise<void> {
    if (!this.#at(at).isRunning) return
    await how()
    for (const pattern of PATTERNS.keys()) this.#listening.delete(`${at} ${pattern}`)
  }

  async #listen(starts: boolean, at: number, pattern: number): Promise<void> {
    const key = `${at} ${pattern}`
    const known = this.#listening.get(key)
    if (!this.#at(at).isRunning || starts === (known !== undefined)) return
    if (known !== undefined) {
      known.unsubscribe()
      this.#listening.delete(key)
      return
    }
    const subscription = this.#at(at).context.subscribe(PATTERNS[pattern]!, ({ data }) => {
      const event = `${key}: ${data}`
      this.heard.set(event, (this.heard.get(event) ?? 0) + 1)
    })
    this.#listening.set(key, subscription)
    await subscription.ready
  }
}

async function heals(simulation: Simulation, steps: readonly Step[]): Promise<void> {
  const { contexts, swarm, sleep, until } = simulation
  const town = new Town(simulation)
  for (let at = 0; at < CONTEXTS; at += 1) await town.start(at)
  for (const one of steps) await town.take(one)
  swarm.heal()
  const running = town.running
  const ids = running.map((at) => contexts[at]!.id).sort()
  await until(
    () => running.every((at) => [contexts[at]!.id, ...contexts[at]!.context.members].sort().join() === ids.join()),
    `all of ${running.join()} know each other again`,
    180_000,
  )
  await sleep(30_000)
  for (const at of running)
    for (const topic of TOPICS.keys()) {
      const id = await town.publish(at, topic)
      await sleep(500)
      for (const other of running)
        for (const pattern of town.patternsOf(other, topic))
          expect(town.heard.get(`${pattern}: ${id}`), `event ${id} of ${at} at ${pattern}`).toBe(1)
    }
  for (const [event, count] of town.heard) expect(count, event).toBe(1)
}

test('MS-2 whatever stopped, crashed or was parted: those that run find each other again, and each event reaches each listener once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(step, { minLength: 4, maxLength: 20 }), async (seed, steps) => {
      await simulate({ seed, contexts: CONTEXTS }, (simulation) => heals(simulation, steps))
    }),
    courses('HEAL_RUNS', 15),
  )
}, 300_000)
