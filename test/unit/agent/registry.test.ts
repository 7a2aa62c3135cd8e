import { expect, test } from 'vitest'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { Watch } from '../../../src/agent/watch.ts'
import { event, World } from '../calls/world.ts'
import { listener, one } from './one-place.ts'

test('MX-1 an agent gets the events of its patterns, at the end of the turn and not inside the publish', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  const agent = await place.registry.spawn(listener(log))
  void world.carry(event('amcp.domain.x', 1))
  expect(log).toEqual([])
  expect(agent.waiting).toBe(1)
  await world.clock.advance(0)
  expect(log).toEqual([1])
  expect(agent).toMatchObject({ handled: 1, failures: 0, dropped: 0, waiting: 0, status: 'ACTIVE', type: 'listener' })
})

test('MX-2 an event to amcp.agent.{id} reaches that agent and nobody who listens to everything', async () => {
  const { world, place } = await one()
  const [mine, others]: unknown[][] = [[], []]
  const target = await place.registry.spawn(listener(mine!))
  await place.registry.spawn(defineAgent({ type: 'nosy', subscribe: ['>'], onEvent: (got) => void others!.push(got) }))
  void world.carry(event(`amcp.agent.${target.id}`, 'psst'))
  void world.carry(event(`amcp.agent.${place.mint('x', 'nobody')}`, 'lost'))
  void world.carry(event('amcp.agent.99999999-0000-8000-8000-000000000001', 'elsewhere'))
  await world.clock.advance(0)
  expect([mine, others]).toEqual([['psst'], []])
  expect(place.ports.counters.get('agents.unknown')).toBe(1)
  const eavesdropper = defineAgent({ type: 'spy', subscribe: [`amcp.agent.${target.id}`], onEvent() {} })
  await expect(place.registry.spawn(eavesdropper)).rejects.toMatchObject({ code: 'ERR_TOPIC_RESERVED' })
  expect(place.registry.size).toBe(2)
})

test('AG-6 one event at a time, also when handlers wait', async () => {
  const { world, place } = await one()
  const log: string[] = []
  const gates: (() => void)[] = []
  await place.registry.spawn(
    defineAgent({
      type: 'slow',
      subscribe: ['amcp.domain.x'],
      async onEvent(got) {
        log.push(`+${got.data}`)
        await new Promise<void>((resolve) => gates.push(resolve))
        log.push(`-${got.data}`)
      },
      capabilities: { ask: { handle: () => log.push('call') } },
    }),
  )
  void world.carry(event('amcp.domain.x', 1))
  void world.carry(event('amcp.domain.x', 2))
  await world.clock.advance(0)
  const call = place.calls.call('caller', 'ask', null, { priority: 9 })
  expect(log).toEqual(['+1'])
  gates.shift()!()
  await world.clock.advance(0)
  expect(log).toEqual(['+1', '-1', 'call', '+2'])
  gates.shift()!()
  expect(await call).toBe(3)
  await world.clock.advance(0)
  expect(log.at(-1)).toBe('-2')
})

test('AG-6 overflow is counted, and a call that found no room is answered with ERR_MAILBOX_FULL', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  const agent = await place.registry.spawn(
    listener(log, { mailbox: { limit: 2 }, capabilities: { ask: { handle: () => 1 } } }),
  )
  for (const data of [1, 2, 3]) void world.carry(event('amcp.domain.x', data))
  await expect(place.calls.call('caller', 'ask', 1)).rejects.toMatchObject({
    code: 'ERR_MAILBOX_FULL',
    retryable: true,
  })
  const urgent = place.calls.call('caller', 'ask', 1, { priority: 9 })
  await world.clock.advance(0)
  expect(await urgent).toBe(1)
  expect(log).toEqual([1])
  expect(agent.dropped).toBe(3)
  expect(place.ports.counters.get('agents.mailbox-full')).toBe(3)
})

test('a throw is counted, the agent goes on, and its neighbours feel nothing', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  const fault = (data: unknown): void => {
    if (data === 'bad') throw new Error('no')
  }
  const sync = await place.registry.spawn(
    defineAgent({ type: 'sync', subscribe: ['amcp.domain.>'], onEvent: ({ data }) => fault(data) }),
  )
  const later = await place.registry.spawn(
    defineAgent({ type: 'later', subscribe: ['amcp.domain.>'], onEvent: async ({ data }) => fault(data) }),
  )
  await place.registry.spawn(listener(log))
  for (const data of ['bad', 'good']) void world.carry(event('amcp.domain.x', data))
  await world.clock.advance(0)
  expect(log).toEqual(['bad', 'good'])
  for (const agent of [sync, later]) expect(agent).toMatchObject({ failures: 1, handled: 1, status: 'ACTIVE' })
  expect(place.ports.counters.get('agents.handler-threw')).toBe(2)
})

test('a call that throws counts as a failure of the agent, not as one handled', async () => {
  const { place } = await one()
  const fail = (): never => {
    throw new RangeError('no')
  }
  const agent = await place.registry.spawn(
    defineAgent({
      type: 'x',
      capabilities: { fail: { handle: fail }, late: { handle: async () => fail() }, ok: { handle: () => 1 } },
    }),
  )
  await expect(place.calls.call('caller', 'fail', 1)).rejects.toMatchObject({ code: 'ERR_CALL_FAILED' })
  await expect(place.calls.call('caller', 'late', 1)).rejects.toMatchObject({ code: 'ERR_CALL_FAILED' })
  expect(await place.calls.call('caller', 'ok', 1)).toBe(1)
  expect(agent).toMatchObject({ failures: 2, handled: 1, status: 'ACTIVE', isIdle: true })
  expect(place.ports.counters.get('agents.call-failed')).toBe(2)
})

test('the watch is told who runs, who waits for a promise and when that ends, of hooks as of handlers', async () => {
  const world = new World()
  const told: string[] = []
  const watch: Watch = {
    enter: () => told.push('enter') - 1,
    leave: () => void told.push('leave'),
    suspend: () => void told.push('suspend'),
    settle: () => void told.push('settle'),
  }
  const place = world.context('here', {}, watch)
  await place.start()
  const gate = Promise.withResolvers<void>()
  const agent = await place.registry.spawn(
    defineAgent({
      type: 'waiting',
      subscribe: ['amcp.domain.>'],
      onEvent: ({ data }) => (data === 'wait' ? gate.promise : undefined),
    }),
  )
  told.length = 0
  void world.carry(event('amcp.domain.x', 'at once'))
  await world.clock.advance(0)
  expect(told.splice(0)).toEqual(['enter', 'leave'])
  expect(agent.isIdle).toBe(true)
  void world.carry(event('amcp.domain.x', 'wait'))
  await world.clock.advance(0)
  expect(told.splice(0)).toEqual(['enter', 'suspend', 'leave'])
  expect(agent.isIdle).toBe(false)
  gate.resolve()
  await world.clock.advance(0)
  expect(told.splice(0)).toEqual(['settle'])
  expect(agent.isIdle).toBe(true)
})

test('offers say what each agent serves', async () => {
  const { place } = await one()
  const handle = (): number => 1
  const agent = await place.registry.spawn(
    defineAgent({
      type: 'offering',
      capabilities: { a: { handle, version: '2.0.0', proficiency: 'expert', cost: 0.5 }, b: { handle } },
    }),
  )
  expect(place.registry.offers).toEqual([
    { agent: agent.id, capability: 'a', version: '2.0.0', proficiency: 'expert', cost: 0.5 },
    { agent: agent.id, capability: 'b', version: '1.0.0' },
  ])
  expect(place.offersChanged).toBe(1)
  await agent.deactivate()
  expect(place.registry.offering('a')).toBeUndefined()
  await place.registry.destroy([agent.id])
  expect([place.registry.offers, place.registry.offering('a'), place.offersChanged]).toEqual([[], undefined, 2])
})

test('an agent with an asynchronous handler works off what waits within a turn, not one event a turn', async () => {
  const { world, place } = await one()
  let turns = 0
  const log: number[] = []
  await place.registry.spawn(
    defineAgent({
      type: 'async',
      subscribe: ['amcp.domain.>'],
      async onEvent() {
        await undefined
        log.push(turns)
      },
    }),
  )
  const count = (): void => {
    turns += 1
    if (turns < 10) world.clock.endOfTurn(count)
  }
  for (let at = 0; at < 500; at++) void world.carry(event('amcp.domain.x', at))
  world.clock.endOfTurn(count)
  await world.clock.advance(0)
  expect(log).toHaveLength(500)
  expect(log.at(-1)! - log[0]!).toBeLessThanOrEqual(1)
})
