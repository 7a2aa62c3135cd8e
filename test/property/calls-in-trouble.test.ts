import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../src/agent/define-agent.ts'
import type { AmcpError } from '../../src/core/errors.ts'
import { type Simulation, simulate } from '../../src/sim/index.ts'
import { courses } from './courses.ts'

const CONTEXTS = 5
/** Contexts with a worker; who has one calls his own. */
const WORKSHOPS: readonly number[] = [2, 3, 4]
const DEADLINE = 3_000
/** By how much the wheel of deadlines may be late, ms. */
const GRAIN = 5

type Step =
  | { readonly do: 'call'; readonly from: number; readonly count: number; readonly work: number }
  | { readonly do: 'abort'; readonly from: number; readonly after: number }
  | { readonly do: 'crash' | 'restart'; readonly context: number; readonly silent: boolean }
  | { readonly do: 'part'; readonly context: number }
  | { readonly do: 'heal' }
  | { readonly do: 'pass'; readonly ms: number }

const context = fc.nat({ max: CONTEXTS - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      from: context,
      count: fc.integer({ min: 1, max: 8 }),
      work: fc.nat({ max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), from: context, after: fc.nat({ max: 40 }) }) },
  // The first context stays, so that there is somebody to join by.
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('crash' as const, 'restart' as const),
      context: fc.integer({ min: 1, max: CONTEXTS - 1 }),
      silent: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('part' as const), context }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('heal' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat({ max: 1_500 }) }) },
)

/** How a call of a context that still runs may end. */
const ENDINGS: readonly (string | undefined)[] = [
  ...['answered', 'aborted', 'ERR_CALL_DEADLINE', 'ERR_CALL_TARGET_LOST', 'ERR_CALL_FAILED', 'ERR_NOT_CONVERGED'],
  'ERR_CAPABILITY_UNKNOWN',
]

interface Call {
  readonly from: number
  readonly life: number
  readonly begun: number
  runs: number
  ended: { readonly as: string; readonly at: number; readonly value?: unknown } | undefined
}

/** Contexts, some with a worker, and callers that do not wait for each other. */
class Workshop {
  readonly calls: Call[] = []
  readonly #simulation: Simulation
  readonly #lives: number[] = Array.from({ length: CONTEXTS }, () => 0)

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  async open(at: number): Promise<void> {
    const { contexts, sleep } = this.#simulation
    const home = contexts[at]!
    const running = await home.start(at === 0 ? {} : { bootstrap: [contexts[0]!.address] })
    if (!WORKSHOPS.includes(at)) return
    const worker = defineAgent({
      type: 'worker',
      capabilities: {
        double: {
          input: z.object({ call: z.number(), work: z.number() }),
          output: z.number(),
          handle: async ({ call, work }) => {
            this.calls[call]!.runs += 1
            if (work > 0) await sleep(work)
            return call * 2
          },
        },
      },
    })
    await running.spawn(worker, { name: `worker ${at}` })
    await running.announced()
  }

  async take(one: Step): Promise<void> {
    const { contexts, swarm, sleep } = this.#simulation
    if (one.do === 'pass') await sleep(one.ms)
    else if (one.do === 'heal') swarm.heal()
    else if (one.do === 'part') swarm.partition([[contexts[one.context]!.id]])
    else if (one.do === 'call') for (let n = 0; n < one.count; n += 1) this.#call(one.from, one.work)
    else if (one.do === 'abort') this.#call(one.from, 50, one.after)
    else if (one.do === 'crash') this.#crash(one.context, one.silent)
    else if (!contexts[one.context]!.isRunning) await this.open(one.context).catch(() => undefined)
  }

  /** Whether the caller of a call has lived on. */
  isAlive({ from, life }: Call): boolean {
    return this.#lives[from] === life && this.#simulation.contexts[from]!.isRunning
  }

  #crash(at: number, silent: boolean): void {
    const home = this.#simulation.contexts[at]!
    if (!home.isRunning) return
    this.#lives[at]! += 1
    home.crash({ silent })
  }

  #call(from: number, work: number, abortAfter?: number): void {
    const { clock, contexts } = this.#simulation
    if (!contexts[from]!.isRunning) return
    const number = this.calls.length
    const call: Call = { from, life: this.#lives[from]!, begun: clock.monotonic(), runs: 0, ended: undefined }
    this.calls.push(call)
    const abort = new AbortController()
    const reason = new Error('aborted')
    if (abortAfter !== undefined) clock.after(abortAfter, () => abort.abort(reason))
    contexts[from]!.context.call('double', { call: number, work }, { deadline: DEADLINE, signal: abort.signal }).then(
      (value) => {
        call.ended = { as: 'answered', at: clock.monotonic(), value }
      },
      (fault: unknown) => {
        call.ended = { as: fault === reason ? 'aborted' : (fault as AmcpError).code, at: clock.monotonic() }
      },
    )
  }
}

function judge(workshop: Workshop): void {
  for (const [number, call] of workshop.calls.entries()) {
    expect(call.runs, `call ${number} was run more than once`).toBeLessThanOrEqual(1)
    if (!workshop.isAlive(call)) continue
    const { ended } = call
    expect(ended, `call ${number} of context ${call.from} at ${call.begun} never ended`).toBeDefined()
    expect(ended!.at - call.begun, `call ${number} ended late`).toBeLessThanOrEqual(DEADLINE + GRAIN)
    expect(ENDINGS, `call ${number}`).toContain(ended!.as)
    if (ended!.as !== 'answered') continue
    expect(ended!.value).toBe(number * 2)
    expect(call.runs, `call ${number} was answered without having been run`).toBe(1)
  }
}

test('MX-3 whatever crashes, parts or is aborted: a call ends in time, was run once at most, and an answer is its own', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(step, { minLength: 5, maxLength: 25 }), async (seed, steps) => {
      await simulate({ seed, contexts: CONTEXTS }, async (simulation) => {
        const workshop = new Workshop(simulation)
        for (let at = 0; at < CONTEXTS; at += 1) await workshop.open(at)
        for (const one of steps) await workshop.take(one)
        await simulation.sleep(DEADLINE + 100)
        judge(workshop)
      })
    }),
    courses('CALL_RUNS', 25),
  )
})
