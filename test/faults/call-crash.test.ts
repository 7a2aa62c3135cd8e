import { describe, expect, test } from 'vitest'
import { defineAgent } from '../../src/agent/define-agent.ts'
import type { Context } from '../../src/context.ts'
import { AmcpError } from '../../src/core/errors.ts'
import { type Simulation, simulate } from '../../src/sim/index.ts'

const provider = defineAgent({ type: 'provider', capabilities: { echo: { handle: (input) => input } } })
const hanger = defineAgent({ type: 'hanger', capabilities: { hang: { handle: () => new Promise<never>(() => {}) } } })

type Outcome = { readonly answer: unknown } | { readonly code: string; readonly details: object }

async function outcome(call: Promise<unknown>): Promise<Outcome> {
  try {
    return { answer: await call }
  } catch (fault) {
    if (!(fault instanceof AmcpError)) throw fault
    return { code: fault.code, details: fault.details }
  }
}

/** Starts all contexts, which join by the first one; those named serve. Returns the last one, the caller. */
async function grow({ contexts }: Simulation, providers: readonly number[]): Promise<Context> {
  for (const [at, one] of contexts.entries()) {
    const context = await one.start(at === 0 ? {} : { bootstrap: [contexts[0]!.address] })
    if (!providers.includes(at)) continue
    await context.spawn(provider)
    await context.spawn(hanger)
    await context.announced()
  }
  return contexts.at(-1)!.context
}

/** One call after another, one every 100 ms. */
async function echoes({ sleep }: Simulation, caller: Context, count: number, deadline: number): Promise<Outcome[]> {
  const calls: Promise<Outcome>[] = []
  for (let at = 0; at < count; at += 1) {
    calls.push(outcome(caller.call('echo', at, { deadline })))
    await sleep(100)
  }
  return Promise.all(calls)
}

const answers = (count: number): Outcome[] => Array.from({ length: count }, (_, at) => ({ answer: at }))

describe('after a provider has crashed', () => {
  test('MX-3 its calls fail when the link is lost, all later ones are answered by others, until it is forgotten and beyond', async () => {
    const { value } = await simulate({ seed: 3, contexts: 5 }, async (simulation) => {
      const { clock, contexts, until, sleep } = simulation
      const caller = await grow(simulation, [1, 2, 3])
      const victim = contexts[2]!
      const hanging = [1, 2, 3].map(() => outcome(caller.call('hang', 1, { deadline: 60_000 })))
      await sleep(1_000)
      victim.crash()
      const crashedAt = clock.monotonic()
      await until(() => !caller.neighbours.includes(victim.id), 'the crash is noticed')
      const noticedAfter = clock.monotonic() - crashedAt
      const lost = await Promise.any(hanging)
      const lostAfter = clock.monotonic() - crashedAt
      const later = await echoes(simulation, caller, 400, 1_000)
      const isForgotten = !caller.members.includes(victim.id)
      return { victim: victim.id, lost, late: lostAfter - noticedAfter, later, isForgotten }
    })
    expect(value.lost).toMatchObject({
      code: 'ERR_CALL_TARGET_LOST',
      details: { context: value.victim, sent: true },
    })
    expect(value.late).toBe(0)
    expect(value.later).toEqual(answers(400))
    expect(value.isForgotten).toBe(true)
  })

  test('a caller that never had a link to it finds out by dialling, and loses no call by that', async () => {
    const { value } = await simulate({ seed: 4, contexts: 16 }, async (simulation) => {
      const { contexts, until } = simulation
      const caller = await grow(simulation, [5, 6, 7, 8, 9, 10, 11, 12])
      await until(() => caller.members.length === 15, 'all are known')
      const isFar = (at: number): boolean => !caller.neighbours.includes(contexts[at]!.id)
      const victims = [5, 6, 7, 8, 9, 10, 11, 12].filter(isFar).slice(0, 2)
      for (const at of victims) contexts[at]!.crash()
      const later = await echoes(simulation, caller, 100, 1_000)
      return { victims: victims.length, later, unreachable: caller.metrics()['calls.unreachable'] ?? 0 }
    })
    expect(value.victims).toBe(2)
    expect(value.later).toEqual(answers(100))
    expect(value.unreachable).toBeGreaterThanOrEqual(2)
  })

  test('when nobody else serves, each call fails at once and says that it was not sent', async () => {
    const { value } = await simulate({ seed: 5, contexts: 3 }, async (simulation) => {
      const { clock, contexts, until } = simulation
      const caller = await grow(simulation, [1])
      const victim = contexts[1]!
      victim.crash()
      await until(() => !caller.neighbours.includes(victim.id), 'the crash is noticed')
      const start = clock.monotonic()
      const failed = await Promise.all([1, 2, 3].map((at) => outcome(caller.call('echo', at))))
      const took = clock.monotonic() - start
      await victim.start({ bootstrap: [contexts[0]!.address] })
      await victim.context.spawn(provider)
      await victim.context.announced()
      return { failed, took, back: await outcome(caller.call('echo', 'again')), victim: victim.id }
    })
    for (const one of value.failed) {
      expect(one).toEqual({
        code: 'ERR_CALL_TARGET_LOST',
        details: { target: 'echo', tried: [value.victim], sent: false },
      })
    }
    expect(value.took).toBeLessThan(100)
    expect(value.back).toEqual({ answer: 'again' })
  })

  test('a provider behind a way that swallows everything costs its first calls some time, and no call its answer', async () => {
    const { value } = await simulate({ seed: 6, contexts: 5 }, async (simulation) => {
      const { contexts, swarm, until } = simulation
      const caller = await grow(simulation, [1, 2, 3])
      const victim = contexts[2]!
      swarm.partition([[victim.id]])
      await until(() => !caller.neighbours.includes(victim.id), 'the link is given up')
      return echoes(simulation, caller, 100, 10_000)
    })
    expect(value).toEqual(answers(100))
  })
})
