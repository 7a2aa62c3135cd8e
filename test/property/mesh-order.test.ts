import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MeshBrokerOptions } from '../../src/broker/mesh/mesh-broker.ts'
import { OrderWorld, type Step } from './order-world.ts'

const runs = Number(process.env['ORDER_RUNS'] ?? 40)
const NODES = 5
const TOPICS = 6

const node = fc.nat({ max: NODES - 1 })
const topic = fc.nat({ max: TOPICS - 1 })
const publish = fc.record({ do: fc.constant('publish' as const), node, topic, count: fc.integer({ min: 1, max: 6 }) })
const toggle = fc.record({ do: fc.constant('toggle' as const), node, topic })
const pass = fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 0.5, 1, 3, 10, 60, 300) })
const links = fc.record({
  do: fc.constant('links' as const),
  latency: fc.constantFrom(0.5, 2, 10),
  jitter: fc.constantFrom(0, 1, 10),
})
const calm = [
  { weight: 8, arbitrary: publish },
  { weight: 3, arbitrary: toggle },
  { weight: 6, arbitrary: pass },
  { weight: 1, arbitrary: links },
]
const scripts = (...more: { weight: number; arbitrary: fc.Arbitrary<Step> }[]): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof(...calm, ...more), { minLength: 5, maxLength: 60, size: 'max' })
const options: fc.Arbitrary<MeshBrokerOptions> = fc.record({ directLimit: fc.constantFrom(1, 2, 3), signDirect: fc.boolean() })

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

describe('order between lanes', () => {
  test('while nothing fails, whoever listens hears every event once, in order, however often topics change lanes', {
    timeout: 300_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(scripts(), options, (script, brokers) =>
        play(script, brokers, (world) => {
          expect(world.disorder).toEqual([])
          expect(world.missing).toEqual([])
        }),
      ),
      { numRuns: runs },
    )
  })
})
