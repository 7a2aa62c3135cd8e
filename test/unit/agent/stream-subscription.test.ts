import { expect, test } from 'vitest'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { AgentSelf } from '../../../src/agent/self.ts'
import { type Lonely, lonely } from '../context-world.ts'

async function started(): Promise<Lonely> {
  const world = lonely()
  await world.context.start()
  return world
}

/** Publishes numbers and lets them be handled. */
async function publish({ context, clock }: Lonely, topic: string, ...data: readonly unknown[]): Promise<void> {
  for (const one of data) await context.publish(topic, one)
  await clock.advance(0)
}

test('a handler reads a stream of its own while it has the turn, and nothing else of the agent is handled until it ends', async () => {
  const world = await started()
  const log: unknown[] = []
  const agent = await world.context.spawn(
    defineAgent({
      type: 'asking',
      subscribe: ['amcp.domain.ask'],
      async onEvent({ data }, self) {
        log.push(`ask ${data}`)
        for await (const answer of self.subscribe('amcp.domain.answer')) {
          log.push(`answer ${answer.data}`)
          if (answer.data === 2) break
        }
        log.push(`asked ${data}`)
      },
    }),
  )
  await publish(world, 'amcp.domain.ask', 'a', 'b')
  await publish(world, 'amcp.domain.answer', 1)
  expect(log).toEqual(['ask a', 'answer 1'])
  await publish(world, 'amcp.domain.answer', 2, 3)
  expect(log.slice(2)).toEqual(['answer 2', 'asked a', 'ask b'])
  expect([agent.handled, agent.waiting]).toEqual([1, 0])
  await publish(world, 'amcp.domain.answer', 2)
  expect([log.at(-1), agent.handled, agent.dropped]).toEqual(['asked b', 2, 0])
})

/** An agent that does nothing but read a stream, beside its handlers. */
async function reading(world: Lonely): Promise<{ id: string; done: Promise<unknown[]> }> {
  const selves: AgentSelf[] = []
  const { id } = await world.context.spawn(defineAgent({ type: 'one', onActivate: (self) => void selves.push(self) }))
  const stream = selves[0]!.subscribe('amcp.domain.x')
  await stream.ready
  const read = async (): Promise<unknown[]> => {
    const log: unknown[] = []
    for await (const { data } of stream) log.push(data)
    return log
  }
  return { id, done: read() }
}

test('a stream that nobody reads fills, then drops the newest and says so', async () => {
  const world = await started()
  const selves: AgentSelf[] = []
  const agent = await world.context.spawn(
    defineAgent({ type: 'lazy', mailbox: { limit: 3 }, onActivate: (self) => void selves.push(self) }),
  )
  const [all, two] = [selves[0]!.subscribe('amcp.domain.x'), selves[0]!.subscribe('amcp.domain.x', { limit: 2 })]
  await Promise.all([all.ready, two.ready])
  await publish(world, 'amcp.domain.x', 1, 2, 3, 4)
  expect([all.dropped, two.dropped, agent.dropped, world.ports.counters.get('agents.subscription-full')]).toEqual([
    1, 2, 3, 3,
  ])
  expect((await all.next()).value?.data).toBe(1)
  await world.context.destroy(agent.id)
  expect(await all.next()).toEqual({ value: undefined, done: true })
  expect([agent.dropped, world.ports.counters.get('agents.shed')]).toEqual([7, 4])
})

test('it ends when the agent is destroyed, so that its handler can end, and when the context stops', async () => {
  const world = await started()
  const { id, done } = await reading(world)
  await publish(world, 'amcp.domain.x', 1)
  await world.context.destroy(id)
  expect(await done).toEqual([1])
  const log: string[] = []
  await world.context.spawn(
    defineAgent({
      type: 'endless',
      async onActivate(self) {
        void self.publish('amcp.domain.begin', 0)
      },
      subscribe: ['amcp.domain.begin'],
      async onEvent(_, self) {
        for await (const { data } of self.subscribe('amcp.domain.x')) log.push(`got ${data}`)
        log.push('ended')
      },
    }),
  )
  await world.clock.advance(0)
  await publish(world, 'amcp.domain.x', 1)
  const before = world.clock.now()
  await world.clock.runFor(world.context.stop())
  expect(log).toEqual(['got 1', 'ended'])
  // It kept the stop from nothing.
  expect(world.clock.now() - before).toBeLessThan(1_000)
})

test('a refused pattern rejects the one who reads', async () => {
  const world = await started()
  const selves: AgentSelf[] = []
  await world.context.spawn(defineAgent({ type: 'one', onActivate: (self) => void selves.push(self) }))
  const stream = selves[0]!.subscribe('a..b')
  await expect(stream.next()).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
  await expect(stream.ready).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
  expect(() => selves[0]!.subscribe('amcp.domain.x', { limit: 0 })).toThrow(RangeError)
})
