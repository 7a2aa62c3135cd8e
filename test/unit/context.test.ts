import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Agent, AgentContext } from '../../src/agent/agent.ts'
import { defineAgent } from '../../src/agent/define-agent.ts'
import type { AmcpEvent } from '../../src/events/event.ts'
import { type Lonely, lonely } from './context-world.ts'

async function started(schemas?: Parameters<typeof lonely>[0]): Promise<Lonely> {
  const world = lonely(schemas)
  await world.context.start()
  return world
}

test('a context says who it is, where it is, and whom it knows', () => {
  const { context } = lonely()
  expect(context.id).toMatch(/^12D3Koo/)
  expect(context.addresses).toEqual(['/ip4/127.0.0.1/tcp/1'])
  expect([context.members, context.neighbours, context.unconfirmed]).toEqual([[], [], ['somebody']])
  expect([...context.agents.list]).toEqual([])
})

test('a handler gets what is published, in order, at the end of the turn, until it is unsubscribed', async () => {
  const { context, clock } = await started()
  const log: unknown[] = []
  const subscription = context.subscribe('amcp.domain.>', (event) => void log.push(event.data))
  await subscription.ready
  await context.publish('amcp.domain.x', 1)
  await context.publish('amcp.domain.y', 2, { priority: 9 })
  await context.publish('amcp.domain.x', 3)
  expect(log).toEqual([])
  await clock.advance(0)
  expect(log).toEqual([1, 2, 3])
  subscription.unsubscribe()
  subscription.unsubscribe()
  await context.publish('amcp.domain.x', 4)
  await clock.advance(0)
  expect(log).toEqual([1, 2, 3])
})

test('a handler that waits or throws gets one event at a time, and each throw is counted', async () => {
  const { context, clock, ports } = await started()
  const log: string[] = []
  const gates: (() => void)[] = []
  context.subscribe('amcp.domain.x', async ({ data }) => {
    log.push(`+${data}`)
    await new Promise<void>((resolve) => gates.push(resolve))
    log.push(`-${data}`)
    if (data === 1) throw new Error('later')
  })
  context.subscribe('amcp.domain.x', () => {
    throw new Error('at once')
  })
  await context.publish('amcp.domain.x', 1)
  await context.publish('amcp.domain.x', 2)
  await clock.advance(0)
  expect(log).toEqual(['+1'])
  gates.shift()!()
  await clock.advance(0)
  gates.shift()!()
  await clock.advance(0)
  expect(log).toEqual(['+1', '-1', '+2', '-2'])
  expect(ports.counters.get('context.handler-threw')).toBe(3)
})

test('events can be read with for await; leaving the loop unsubscribes', async () => {
  const { context, clock } = await started()
  const events = context.subscribe('amcp.domain.>')
  await events.ready
  const read = (async () => {
    const seen: unknown[] = []
    for await (const event of events) {
      seen.push([event.subject, event.data])
      if (seen.length === 2) break
    }
    return seen
  })()
  await context.publish('amcp.domain.a', 1)
  await clock.advance(0)
  await context.publish('amcp.domain.b', 2)
  expect(await read).toEqual([
    ['amcp.domain.a', 1],
    ['amcp.domain.b', 2],
  ])
  await context.publish('amcp.domain.c', 3)
  expect(await events.next()).toEqual({ value: undefined, done: true })
})

test('a full queue drops the newest and counts it; what waits is still read after the end', async () => {
  const { context, ports } = await started()
  using events = context.subscribe('amcp.domain.x', { limit: 2 })
  await events.ready
  for (const data of [1, 2, 3]) await context.publish('amcp.domain.x', data)
  expect(events.dropped).toBe(1)
  expect(ports.counters.get('context.subscription-full')).toBe(1)
  events.unsubscribe()
  const rest: unknown[] = []
  for await (const event of events) rest.push(event.data)
  expect(rest).toEqual([1, 2])
  expect(() => context.subscribe('amcp.domain.x', { limit: 0 })).toThrow(RangeError)
})

test('a pattern that cannot be listened to fails `ready`, and the reader', async () => {
  const { context } = await started()
  const handler = context.subscribe('amcp.agent.*', () => {})
  await expect(handler.ready).rejects.toMatchObject({ code: 'ERR_TOPIC_RESERVED' })
  const events = context.subscribe('amcp..x')
  const waiting = events.next()
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
  await expect(events.next()).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
})

test('TP-3 illegal and reserved topics, foreign types and bad attributes are refused before anything is sent', async () => {
  const { context } = await started()
  await expect(context.publish('amcp.domain..x', 1)).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
  await expect(context.publish('amcp.domain.*', 1)).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
  await expect(context.publish('amcp.control.stop', 1)).rejects.toMatchObject({ code: 'ERR_TOPIC_RESERVED' })
  await expect(context.publish('amcp.domain.x', 1, { type: 'else' })).rejects.toMatchObject({
    code: 'ERR_EVENT_INVALID',
    details: { attribute: 'type' },
  })
  await expect(context.publish('amcp.domain.x', 1, { priority: 10 })).rejects.toMatchObject({
    details: { attribute: 'priority' },
  })
})

test('EV-5 data that does not fit the schema of its topic is refused with its path', async () => {
  const { context, clock } = await started({
    'amcp.domain.load': z.object({ load: z.number(), host: z.string().default('?') }),
  })
  const log: unknown[] = []
  context.subscribe('amcp.domain.load', (event) => void log.push(event.data))
  await expect(context.publish('amcp.domain.load', { load: 'high' })).rejects.toMatchObject({
    code: 'ERR_SCHEMA_MISMATCH',
    details: { path: 'load' },
  })
  await context.publish('amcp.domain.load', { load: 1 })
  await clock.advance(0)
  expect(log).toEqual([{ load: 1, host: '?' }])
})

test('EV-1 what the context publishes comes from an agent id of its own', async () => {
  const { context, clock } = await started()
  const log: AmcpEvent[] = []
  context.subscribe('amcp.domain.x', (event) => void log.push(event))
  await context.publish('amcp.domain.x', 1, { correlationid: 'c' })
  await clock.advance(0)
  expect(log[0]).toMatchObject({
    specversion: '1.0',
    source: `amcp://${context.id}/${context.agent}`,
    type: 'amcp.domain.event',
    correlationid: 'c',
  })
  expect(context.mint('amcp.context', 'self')).toBe(context.agent)
  expect(context.mint('a')).not.toBe(context.mint('a'))
})

test('spawns, lists, calls and destroys agents', async () => {
  const { context, clock } = await started()
  const double = defineAgent({ type: 'double', capabilities: { double: { input: z.number(), handle: (n) => n * 2 } } })
  const agent = await context.spawn(double, { name: 'd' })
  expect(context.agents.list.map(({ id }) => id)).toEqual([agent.id])
  expect(context.agents.get(agent.id)?.status).toBe('ACTIVE')
  expect(await context.call('double', 4)).toBe(8)
  expect(await context.call(agent.id, 5)).toBe(10)
  expect(await context.destroy(agent.id)).toBe(1)
  await expect(context.call('double', 4)).rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
  await clock.advance(0)
})

test('an agent of one’s own finds registry, broker, security and endpoint around itself', async () => {
  const { context } = await started()
  let around: AgentContext | undefined
  const own: Agent = {
    id: context.mint('own', 'x'),
    type: 'own',
    setContext: (given) => {
      around = given
    },
    handleEvent: () => undefined,
    serializeState: () => new Uint8Array(),
    deserializeState: () => {},
  }
  await context.spawn(own)
  expect(around?.endpoint).toEqual(context.addresses)
  expect(around?.registry.get(own.id)?.type).toBe('own')
  expect(around?.broker).toBeDefined()
  expect(around?.security.tokenOf(own.id)).toBeDefined()
})

test('MS-2 offers are announced once a turn, and announced() waits for the latest', async () => {
  const { context, clock, announced, ...world } = await started()
  await context.announced()
  const define = (name: string) => defineAgent({ type: name, capabilities: { [name]: { handle: () => 1 } } })
  await Promise.all(['a', 'b', 'c'].map((name) => context.spawn(define(name))))
  await clock.advance(0)
  expect(announced.map((offers) => offers.map(({ capability }) => capability))).toEqual([['a', 'b', 'c']])
  await context.announced()
  expect(context.unconfirmed).toEqual(['somebody'])
  expect(world.log).toEqual(['+network'])
})

test('announced() waits for subscriptions, also of agents, and for those that come while it waits', async () => {
  const { context, clock, broker } = await started()
  const gates: (() => void)[] = []
  const subscribe = broker.subscribe.bind(broker)
  vi.spyOn(broker, 'subscribe').mockImplementation(async (...given) => {
    await new Promise<void>((resolve) => gates.push(resolve))
    return subscribe(...given)
  })
  context.subscribe('amcp.domain.a', () => {})
  let isAnnounced = false
  const announced = context.announced().then(() => {
    isAnnounced = true
  })
  await clock.advance(0)
  expect([gates.length, isAnnounced]).toEqual([1, false])
  const agent = defineAgent({ type: 'a', onActivate: (self) => void self.subscribe('amcp.domain.b', () => {}) })
  await context.spawn(agent)
  gates[0]!()
  await clock.advance(0)
  expect([gates.length, isAnnounced]).toEqual([2, false])
  gates[1]!()
  await announced
})

test('announced() does not wait for a subscription that failed: whoever asked for it was told', async () => {
  const { context, broker } = await started()
  vi.spyOn(broker, 'subscribe').mockRejectedValue(new Error('no broker'))
  const { ready } = context.subscribe('amcp.domain.a', () => {})
  await context.announced()
  await expect(ready).rejects.toThrow('no broker')
})

test('announced() waits for what was announced while it waited, and tells of a failure', async () => {
  const world = await started()
  const { context, clock } = world
  const define = (name: string) => defineAgent({ type: name, capabilities: { [name]: { handle: () => 1 } } })
  world.holdAnnouncements = true
  await context.spawn(define('a'))
  await clock.advance(0)
  const announced = context.announced()
  await context.spawn(define('b'))
  world.holdAnnouncements = false
  world.acknowledge()
  await clock.advance(0)
  await announced
  expect(world.announced).toHaveLength(2)
  world.failAnnouncement = new Error('no link')
  await context.spawn(define('c'))
  await clock.advance(0)
  await expect(context.announced()).rejects.toThrow('no link')
  expect(context.metrics()['context.announcement-failed']).toBe(1)
})

test('a lost link fails the calls over it', async () => {
  const { context, lose } = await started()
  lose('12D3KooWSomebody')
  expect(context.members).toEqual([])
})

test('stop drains what was accepted, then stops the parts in reverse; twice is once', async () => {
  const { context, clock, log } = await started()
  const seen: unknown[] = []
  let release = (): void => {}
  await context.spawn(
    defineAgent({
      type: 'slow',
      subscribe: ['amcp.domain.x'],
      onEvent: async ({ data }) => {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        seen.push(data)
      },
    }),
  )
  const stream = context.subscribe('amcp.domain.x')
  context.subscribe('amcp.domain.x', (event) => void seen.push(`handler ${event.data}`))
  await stream.ready
  await context.publish('amcp.domain.x', 1)
  await context.publish('amcp.domain.x', 2)
  const stopped = context.stop()
  await clock.advance(20)
  release()
  await clock.advance(20)
  release()
  await clock.advance(20)
  await stopped
  expect(seen).toEqual(['handler 1', 'handler 2', 1, 2])
  expect(log).toEqual(['+network', '-network'])
  await context.stop()
  await context[Symbol.asyncDispose]()
  const rest: unknown[] = []
  for await (const event of stream) rest.push(event.data)
  expect(rest).toEqual([1, 2])
  await expect(context.publish('amcp.domain.x', 1)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  await expect(context.spawn(defineAgent({ type: 'a' }))).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  await expect(context.call('x', 1)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
})

test('stop ends within 10 s although a handler never does: its call ends with ERR_STOPPED, and the agent is named', async () => {
  const { context, clock, ports, log } = await started()
  const warn = vi.spyOn(ports.logger, 'warn')
  let signal: AbortSignal | undefined
  const stuck = defineAgent({
    type: 'stuck',
    capabilities: {
      hang: {
        handle: (_input, _self, info) => {
          signal = info.signal
          return new Promise(() => {})
        },
      },
    },
    onDestroy: () => new Promise(() => {}),
  })
  const { id: agent } = await context.spawn(stuck)
  context.subscribe('amcp.domain.x', () => new Promise(() => {}))
  for (const n of [1, 2]) await context.publish('amcp.domain.x', n)
  const call = expect(context.call('hang', 1, { deadline: 100_000 })).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  let isStopped = false
  const stopping = context.stop().then(() => {
    isStopped = true
  })
  // The rest is what the parts below leave to each other for the end.
  await clock.advance(9_500)
  expect([isStopped, signal?.aborted]).toEqual([false, false])
  await clock.advance(500)
  expect([isStopped, signal?.aborted]).toEqual([true, true])
  await Promise.all([stopping, call])
  expect(signal?.reason).toMatchObject({ code: 'ERR_STOPPED' })
  expect(ports.counters.get('agents.hung')).toBe(2)
  expect(ports.counters.get('context.handler-hung')).toBe(1)
  expect(warn.mock.calls.map(([fields]) => fields)).toEqual([
    { pattern: 'amcp.domain.x', waiting: 1 },
    { agent, type: 'stuck', what: 'a handler' },
    { agent, type: 'stuck', what: 'onDestroy' },
  ])
  expect(log.at(-1)).toBe('-network')
})

test('a call between agents here keeps its deadline while the context stops', async () => {
  const { context, clock } = await started()
  await context.spawn(defineAgent({ type: 'stuck', capabilities: { hang: { handle: () => new Promise(() => {}) } } }))
  const call = expect(context.call('hang', 1, { deadline: 1_000 })).rejects.toMatchObject({ code: 'ERR_CALL_DEADLINE' })
  const stopping = context.stop()
  await clock.advance(1_010)
  await call
  await clock.advance(9_000)
  await stopping
})

test('a stop waits for a call that no handler has begun yet, as long as its deadline', async () => {
  const { context, clock } = await started()
  const type = defineAgent({ type: 'away', capabilities: { later: { handle: () => 'done' } } })
  const agent = await context.spawn(type)
  await agent.deactivate()
  const call = context.call(agent.id, 1, { deadline: 5_000 })
  const stopping = context.stop()
  await clock.advance(1_000)
  await agent.activate()
  await clock.advance(10)
  expect(await call).toBe('done')
  await clock.advance(10)
  await stopping
})

test('a part that fails to start fails the start, and nothing runs afterwards', async () => {
  const world = lonely()
  const fault = new Error('port taken')
  await expect(world.context.start({ signal: AbortSignal.abort(fault) })).rejects.toBe(fault)
  await expect(world.context.call('x', 1)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
})

test('an event past its expiry is refused, and one that waits beyond it is not handed over', async () => {
  const { context, clock, ports } = await started()
  const lasting = (ms: number) => ({ expirytime: new Date(clock.now() + ms).toISOString() })
  await expect(context.publish('amcp.domain.x', 1, lasting(0))).rejects.toMatchObject({
    code: 'ERR_EVENT_EXPIRED',
    details: { expirytime: expect.any(String) },
  })
  const gate = Promise.withResolvers<void>()
  const [log, read]: unknown[][] = [[], []]
  context.subscribe('amcp.domain.x', async ({ data }) => {
    log!.push(data)
    await gate.promise
  })
  const stream = context.subscribe('amcp.domain.x')
  await context.publish('amcp.domain.x', 'first')
  await context.publish('amcp.domain.x', 'short', lasting(10))
  await context.publish('amcp.domain.x', 'last', lasting(11))
  await clock.advance(10)
  gate.resolve()
  await clock.advance(0)
  for (const _ of [1, 2]) read!.push((await stream.next()).value?.data)
  expect([log, read]).toEqual([
    ['first', 'last'],
    ['first', 'last'],
  ])
  expect(stream.dropped).toBe(1)
  expect(ports.counters.get('context.expired')).toBe(2)
})

test('an asynchronous handler of the context works off what waits within a turn, not one event a turn', async () => {
  const { context, clock } = await started()
  let turns = 0
  const log: number[] = []
  context.subscribe('amcp.domain.x', async () => {
    await undefined
    log.push(turns)
  })
  const count = (): void => {
    turns += 1
    if (turns < 10) clock.endOfTurn(count)
  }
  for (let at = 0; at < 500; at++) await context.publish('amcp.domain.x', at)
  clock.endOfTurn(count)
  await clock.advance(0)
  expect(log).toHaveLength(500)
  expect(log.at(-1)! - log[0]!).toBeLessThanOrEqual(1)
})
