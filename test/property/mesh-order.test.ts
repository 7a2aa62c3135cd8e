import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MeshBrokerOptions } from '../../src/broker/mesh/mesh-broker.ts'
import { courses } from './courses.ts'
import { OrderWorld, type Step } from './order-world.ts'

/** Courses of each kind; `npm run prove -- order` sets 2,000. */
const runs = courses('ORDER_RUNS', 40)
const NODES = 5
const TOPICS = 6

const node = fc.nat({ max: NODES - 1 })
const topic = fc.nat({ max: TOPICS - 1 })
const publish = fc.record({
  ...{ do: fc.constant('publish' as const), node, topic },
  count: fc.integer({ min: 1, max: 6 }),
  bytes: fc.constantFrom(0, 0, 100, 10_000),
})
const toggle = fc.record({ do: fc.constant('toggle' as const), node, topic })
const pass = fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 0.5, 1, 3, 10, 60, 300) })
const links = fc.record({
  do: fc.constant('links' as const),
  latency: fc.constantFrom(0.5, 2, 10),
  jitter: fc.constantFrom(0, 1, 10),
  gossipDelay: fc.constantFrom(0, 20, 60),
})
const calm = [
  { weight: 8, arbitrary: publish },
  { weight: 3, arbitrary: toggle },
  { weight: 6, arbitrary: pass },
  { weight: 1, arbitrary: links },
]
const ms = (...choices: number[]) => fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(...choices) })
const hole = fc.record({ do: fc.constant('hole' as const), node, other: node })
const heal = fc.record({ do: fc.constant('heal' as const) })
const cut = fc.record({ do: fc.constant('cut' as const), node, other: node })
const crash = fc.record({ do: fc.constant('crash' as const), node })
const restart = fc.record({ do: fc.constant('restart' as const), node })
const loss = fc.record({ do: fc.constant('loss' as const), share: fc.constantFrom(0, 0.05, 0.3) })
const scripts = (...more: { weight: number; arbitrary: fc.Arbitrary<Step> }[]): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof(...calm, ...more), { minLength: 5, maxLength: 60, size: 'max' })
const options: fc.Arbitrary<MeshBrokerOptions> = fc.record({
  directLimit: fc.constantFrom(1, 2, 3),
  signDirect: fc.boolean(),
})

const play = async (script: Step[], brokers: MeshBrokerOptions, judge: (world: OrderWorld) => void): Promise<void> => {
  const world = await OrderWorld.open(NODES, TOPICS, brokers)
  try {
    for (const step of script) await world.take(step)
    await world.settle()
    judge(world)
  } finally {
    await world.stop()
  }
}

/** Queues so short that a receiver that stalls is soon slow. */
const narrow = options.map((some): MeshBrokerOptions => ({ ...some, queueBytes: 30_000, maxWaitMs: 50 }))

describe('order between lanes', () => {
  test('while nothing fails, whoever listens hears every event once, in order, however often topics change lanes', {
    timeout: 1_800_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(scripts(), options, (script, brokers) =>
        play(script, brokers, (world) => {
          expect(world.disorder).toEqual([])
          expect(world.missing(3_000)).toEqual([])
          expect(world.counted('broker.gap'), 'waited in vain').toBe(0)
        }),
      ),
      runs,
    )
  })

  test('while links only stall, nothing comes twice or out of order, and what is missing was counted', {
    timeout: 1_800_000,
  }, async () => {
    const stalls = scripts(
      { weight: 1, arbitrary: hole },
      { weight: 1, arbitrary: heal },
      { weight: 1, arbitrary: ms(1_000) },
    )
    await fc.assert(
      fc.asyncProperty(stalls, narrow, (script, brokers) =>
        play(script, brokers, (world) => {
          expect(world.disorder).toEqual([])
          const missing = world.missing(60_000)
          const counted = world.counted('broker.duplicate-or-late', 'broker.dropped-slow')
          expect(missing.length, missing.join('\n')).toBeLessThanOrEqual(counted)
        }),
      ),
      runs,
    )
  })

  test('whatever fails, nothing comes twice or out of order, and a loss leaves a trace', {
    timeout: 1_800_000,
  }, async () => {
    const faults = scripts(
      { weight: 1, arbitrary: hole },
      { weight: 1, arbitrary: heal },
      { weight: 1, arbitrary: ms(1_000, 15_000) },
      { weight: 1, arbitrary: cut },
      { weight: 1, arbitrary: crash },
      { weight: 2, arbitrary: restart },
      { weight: 1, arbitrary: loss },
    )
    await fc.assert(
      fc.asyncProperty(faults, fc.oneof(options, narrow), (script, brokers) =>
        play(script, brokers, (world) => {
          expect(world.disorder).toEqual([])
          const missing = world.missing(60_000)
          if (missing.length > 0) expect(world.traces, missing.join('\n')).toBeGreaterThan(0)
        }),
      ),
      runs,
    )
  })
})
