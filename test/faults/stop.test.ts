import { expect, test } from 'vitest'
import { defineAgent } from '../../src/agent/define-agent.ts'
import { type Simulation, simulate } from '../../src/sim/simulate.ts'

/** Told when a call is being served; the call ends by its signal alone. */
function hanging() {
  const begun = Promise.withResolvers<AbortSignal>()
  const type = defineAgent({
    type: 'hanging',
    capabilities: {
      hang: {
        handle: (_input, _self, { signal }) => {
          begun.resolve(signal)
          return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        },
      },
    },
  })
  return { type, begun: begun.promise }
}

/** Whole contexts, each joined by the first. */
async function started({ contexts }: Simulation) {
  const [first, ...others] = contexts
  await first!.start()
  for (const other of others) await other.start({ bootstrap: [first!.address] })
  return contexts.map(({ context }) => context)
}

test('a call whose target dies while the context stops ends with ERR_CALL_TARGET_LOST, and the stop with it', async () => {
  const { type, begun } = hanging()
  await simulate({ seed: 1, contexts: 2 }, async (simulation) => {
    const { clock, contexts } = simulation
    const [here, there] = await started(simulation)
    const { id } = await there!.spawn(type)
    await there!.announced()
    const call = expect(here!.call(id, null, { deadline: 100_000 })).rejects.toMatchObject({
      code: 'ERR_CALL_TARGET_LOST',
    })
    await begun
    const before = clock.monotonic()
    const stopping = here!.stop()
    await simulation.sleep(1_000)
    contexts[1]!.crash()
    await call
    await stopping
    expect(clock.monotonic() - before).toBeLessThan(3_000)
  })
})

test('a handler whose caller dies while the context stops is told by its signal, and does not hold the stop', async () => {
  const { type, begun } = hanging()
  await simulate({ seed: 2, contexts: 2 }, async (simulation) => {
    const { clock, contexts } = simulation
    const [here, there] = await started(simulation)
    const { id } = await here!.spawn(type)
    await here!.announced()
    void there!.call(id, null, { deadline: 100_000 })
    const signal = await begun
    const before = clock.monotonic()
    const stopping = here!.stop()
    await simulation.sleep(1_000)
    expect(signal.aborted).toBe(false)
    contexts[1]!.crash()
    await stopping
    expect(signal.reason).toMatchObject({ code: 'ERR_NOT_CONNECTED' })
    expect(clock.monotonic() - before).toBeLessThan(3_000)
    expect(here!.metrics()['agents.hung']).toBeUndefined()
  })
})

test('a stop ends within 10 s with a handler that hangs and a neighbour that is silent, and the others learn it at once', async () => {
  const options = { seed: 3, contexts: 3, conditions: { linkTimeout: 600_000 } }
  await simulate(options, async (simulation) => {
    const { clock, contexts, swarm } = simulation
    const [here, silent, other] = await started(simulation)
    const subscription = silent!.subscribe('amcp.domain.x', () => {})
    await subscription.ready
    await here!.publish('amcp.domain.x', 'opens the lane')
    const stuck = defineAgent({
      type: 'stuck',
      capabilities: { hang: { handle: () => new Promise(() => {}) } },
      onDestroy: () => new Promise(() => {}),
    })
    await here!.spawn(stuck)
    const call = expect(here!.call('hang', null, { deadline: 100_000 })).rejects.toMatchObject({ code: 'ERR_STOPPED' })
    await simulation.sleep(1_000)
    swarm.blackhole(contexts[0]!.id, contexts[1]!.id)
    swarm.blackhole(contexts[1]!.id, contexts[0]!.id)
    for (let n = 0; n < 100; n += 1) void here!.publish('amcp.domain.x', 'x'.repeat(10_000))
    const before = clock.monotonic()
    await here!.stop()
    expect(clock.monotonic() - before).toBeLessThanOrEqual(10_000)
    expect(clock.monotonic() - before).toBeGreaterThan(6_000)
    await call
    await simulation.sleep(10)
    expect(other!.members).toEqual([contexts[1]!.id])
    expect(here!.metrics()).toMatchObject({
      'agents.hung': 2,
      'broker.stop-undrained': 1,
      'broker.direct.unacknowledged-bytes': expect.any(Number),
      'membership.stop.unanswered': 2,
    })
  })
})
