import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Agent, AgentContext } from '../../src/agent/agent.ts'
import { defineAgent } from '../../src/agent/define-agent.ts'
import type { AmcpEvent } from '../../src/events/event.ts'
import { lonely } from './context-world.ts'
import { started } from './started-context.ts'

test('a context says who it is, where it is, and whom it knows', () => {
  const { context } = lonely()
  expect(context.id).toMatch(/^12D3Koo/)
  expect(context.addresses).toEqual(['/ip4/127.0.0.1/tcp/1'])
  expect([context.members, context.neighbours, context.unconfirmed]).toEqual([[], [], ['somebody']])
  expect([...context.agents.list]).toEqual([])
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
