import { defineAgent } from '../src/agent/define-agent.ts'
import type { AgentDefinition } from '../src/agent/definition.ts'
import { AmcpError } from '../src/core/errors.ts'
import type { Simulation } from '../src/sim/index.ts'

/** Agents are spread over them by their number. */
export const CONTEXTS = 20
/** Agents of one group hear each other. */
export const GROUPS = 8
/** The first agents also answer calls. */
export const ADDERS = 5
const PUBLISH_EVERY = 1_000
const CALL_EVERY = 2_000
const CALL_DEADLINE = 1_000

interface Published {
  readonly at: number
  readonly publisher: number
  /** Number among all events of its context. */
  readonly order: number
  /** By agent: how often it was heard. */
  readonly heard: Map<number, number>
}

interface Reading {
  readonly agent: number
  readonly number: number
}

/** What the agents of the scenario do, and what of it was seen. */
export class MeshWorld {
  /** Each agent's events, by their number. */
  readonly published: Published[][]
  readonly eventLatencies: number[] = []
  readonly callLatencies: number[] = []
  readonly failedCalls: { readonly at: number; readonly code: string }[] = []
  wrongAnswers = 0
  outOfOrder = 0
  isQuiet = false
  readonly #simulation: Simulation
  /** Events published so far by each context. */
  readonly #ofContext = new Map<number, number>()
  /** By context and hearing agent. */
  readonly #lastHeard = new Map<string, number>()

  constructor(simulation: Simulation, agents: number) {
    this.#simulation = simulation
    this.published = Array.from({ length: agents }, () => [])
  }

  /** @param agent its number; its group and what it does follow from it */
  define(agent: number): AgentDefinition {
    const group = agent % GROUPS
    const capabilities =
      agent < ADDERS ? { 'sum.add': { handle: ([a, b]: [number, number]) => ({ sum: a + b, agent }) } } : {}
    return defineAgent({
      type: 'cell',
      subscribe: [`amcp.domain.cell.g${group}.>`],
      capabilities,
      onEvent: (event) => this.#heard(agent, event.data as Reading),
      onActivate: (self) => {
        const first = self.random() * PUBLISH_EVERY
        self.after(first, () => {
          self.every(PUBLISH_EVERY, () => this.#publish(agent, (topic, data) => self.publish(topic, data)))
        })
        // Who answers must not wait for an answer of its own: an agent does one thing at a time.
        if (agent < ADDERS || agent % 4 !== 3) return
        self.after(first * 2, () => {
          self.every(CALL_EVERY, () =>
            this.#call(agent, (input) => self.call('sum.add', input, { deadline: CALL_DEADLINE })),
          )
        })
      },
    })
  }

  #publish(agent: number, publish: (topic: string, data: Reading) => Promise<void>): Promise<void> | undefined {
    if (this.isQuiet) return undefined
    const mine = this.published[agent]!
    const number = mine.length
    const context = agent % CONTEXTS
    const order = this.#ofContext.get(context) ?? 0
    this.#ofContext.set(context, order + 1)
    mine.push({ at: this.#simulation.clock.monotonic(), publisher: agent, order, heard: new Map() })
    return publish(`amcp.domain.cell.g${agent % GROUPS}.a${agent}`, { agent, number })
  }

  #heard(agent: number, { agent: publisher, number }: Reading): void {
    const { clock, note } = this.#simulation
    const event = this.published[publisher]![number]!
    event.heard.set(agent, (event.heard.get(agent) ?? 0) + 1)
    this.eventLatencies.push(clock.monotonic() - event.at)
    // All topics are of one shard, so the order holds for all that a context publishes, whichever of its agents did.
    const stream = `${publisher % CONTEXTS} ${agent}`
    if (event.order <= (this.#lastHeard.get(stream) ?? -1)) this.outOfOrder += 1
    this.#lastHeard.set(stream, event.order)
    note('event', `a${publisher}`, number, `a${agent}`)
  }

  async #call(agent: number, call: (input: [number, number]) => Promise<unknown>): Promise<void> {
    if (this.isQuiet) return
    const { clock, note } = this.#simulation
    const start = clock.monotonic()
    try {
      const answer = (await call([agent, 1])) as { sum: number; agent: number }
      if (answer.sum !== agent + 1) this.wrongAnswers += 1
      this.callLatencies.push(clock.monotonic() - start)
      note('call', `a${agent}`, `a${answer.agent}`, answer.sum)
    } catch (fault) {
      if (!(fault instanceof AmcpError)) throw fault
      this.failedCalls.push({ at: start, code: fault.code })
      note('call-failed', `a${agent}`, fault.code)
    }
  }
}
