import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Agent, AgentContext } from '../../../src/agent/agent.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { sourceOf } from '../../../src/events/source.ts'
import { type Lonely, lonely } from '../context-world.ts'

interface Own {
  readonly world: Lonely
  readonly around: AgentContext
  readonly id: string
  /** What an honest agent would publish. */
  event(topic: string, data?: unknown, more?: Partial<AmcpEvent>): AmcpEvent
  /** What came to listeners of this context. */
  readonly seen: AmcpEvent[]
}

async function own(schemas: Parameters<typeof lonely>[0] = {}): Promise<Own> {
  const world = lonely(schemas)
  const { context, clock } = world
  await context.start()
  const given: AgentContext[] = []
  const id = context.mint('own', 'a')
  await context.spawn(agentOf(id, (around) => void given.push(around)))
  const seen: AmcpEvent[] = []
  await context.subscribe('>', (event) => void seen.push(event)).ready
  const event = (topic: string, data: unknown = 1, more: Partial<AmcpEvent> = {}): AmcpEvent => ({
    specversion: '1.0',
    id: '6f8f5a24-08b1-4f0e-9c1d-2f6b9f1a7c55',
    source: sourceOf(context.id, id),
    type: 'amcp.domain.event',
    subject: topic,
    time: new Date(clock.now()).toISOString(),
    datacontenttype: 'application/json',
    data,
    ...more,
  })
  return { world, around: given[0]!, id, event, seen }
}

const agentOf = (id: string, setContext: (context: AgentContext) => void): Agent => ({
  id,
  type: 'own',
  setContext,
  handleEvent: () => undefined,
  serializeState: () => new Uint8Array(),
  deserializeState: () => {},
})

test('EV-1 TP-3 an agent that is a class publishes only what is valid and its own', async () => {
  const { world, around, event, seen } = await own()
  const { context, clock } = world
  const cases: readonly [AmcpEvent, code: string][] = [
    [event('amcp.domain.x', 1, { source: 'amcp://somebody/else' }), 'ERR_EVENT_INVALID'],
    [event('amcp.domain.x', 1, { source: sourceOf(context.id, context.agent) }), 'ERR_EVENT_INVALID'],
    [
      event('amcp.domain.x', 1, { source: sourceOf('12D3KooWelsewhere', context.mint('own', 'a')) }),
      'ERR_EVENT_INVALID',
    ],
    [event('amcp.domain.x', 1, { id: '1' }), 'ERR_EVENT_INVALID'],
    [event('amcp.domain.x', 1, { type: 'made.up' }), 'ERR_EVENT_INVALID'],
    [event('amcp.domain.x', new Date(0)), 'ERR_EVENT_INVALID'],
    [event('amcp.domain.x', 'x'.repeat(300_000)), 'ERR_EVENT_TOO_LARGE'],
    [event('amcp.domain.*'), 'ERR_TOPIC_INVALID'],
    [event('amcp.control.x'), 'ERR_TOPIC_RESERVED'],
    [event('amcp.domain.x', 1, { expirytime: new Date(clock.now() - 1).toISOString() }), 'ERR_EVENT_EXPIRED'],
  ]
  for (const [bad, code] of cases) expect(() => around.broker.publish(bad)).toThrow(expect.objectContaining({ code }))
  const good = event('amcp.domain.x', 'good')
  expect(around.broker.publish(good)).toBeUndefined()
  await clock.advance(0)
  expect(seen).toEqual([good])
})

test('EV-5 its data goes through the schemas of its topic', async () => {
  const { world, around, event, seen } = await own({
    'amcp.domain.>': z.object({ load: z.number(), unit: z.string().default('%') }),
  })
  expect(() => around.broker.publish(event('amcp.domain.x', { load: 'high' }))).toThrow(
    expect.objectContaining({ code: 'ERR_SCHEMA_MISMATCH', details: expect.objectContaining({ path: 'load' }) }),
  )
  around.broker.publish(event('amcp.domain.x', { load: 1 }))
  await world.clock.advance(0)
  expect(seen.map(({ data }) => data)).toEqual([{ load: 1, unit: '%' }])
})

test('what it subscribes comes through its mailbox, one at a time, and ends with it', async () => {
  const { world, around, id, event } = await own()
  const { context, clock, ports } = world
  const log: unknown[] = []
  const gate = Promise.withResolvers<void>()
  const subscription = await around.broker.subscribe('amcp.domain.>', async ({ data }) => {
    log.push(data)
    await gate.promise
    if (data === 1) throw new Error('its own fault')
  })
  for (const data of [1, 2]) around.broker.publish(event('amcp.domain.x', data))
  await clock.advance(0)
  expect(log).toEqual([1])
  gate.resolve()
  await clock.advance(0)
  expect(log).toEqual([1, 2])
  expect(ports.counters.get('agents.handler-threw')).toBe(1)
  subscription.unsubscribe()
  await around.broker.subscribe('amcp.domain.y', () => void log.push('y'))
  around.broker.publish(event('amcp.domain.y', 3))
  await clock.advance(0)
  expect(log).toEqual([1, 2, 'y'])
  await context.destroy(id)
  await context.publish('amcp.domain.y', 4)
  await clock.advance(0)
  expect(log).toEqual([1, 2, 'y'])
  expect(() => around.broker.publish(event('amcp.domain.y'))).toThrow(
    expect.objectContaining({ code: 'ERR_AGENT_STATE' }),
  )
  await expect(around.broker.subscribe('amcp.domain.y', () => undefined)).rejects.toMatchObject({
    code: 'ERR_AGENT_STATE',
  })
})

test('it cannot listen to what is for single agents', async () => {
  const { world, around } = await own()
  const log: unknown[] = []
  await expect(around.broker.subscribe('amcp.agent.*', () => undefined)).rejects.toMatchObject({
    code: 'ERR_TOPIC_RESERVED',
  })
  await around.broker.subscribe('>', ({ data }) => void log.push(data))
  await world.context.publish(`amcp.agent.${world.context.agent}`, 'psst')
  await world.clock.advance(0)
  expect(log).toEqual([])
})

test('a class that throws while it is given its context leaves no subscription behind', async () => {
  const { context, broker } = lonely()
  await context.start()
  let open = 0
  const subscribe = broker.subscribe.bind(broker)
  broker.subscribe = async (...given) => {
    const subscription = await subscribe(...given)
    open += 1
    const unsubscribe = (): void => {
      open -= 1
    }
    return { ...subscription, unsubscribe }
  }
  const failing = agentOf(context.mint('own', 'b'), ({ broker }) => {
    void broker.subscribe('amcp.domain.x', () => undefined)
    throw new Error('not like this')
  })
  await expect(context.spawn(failing)).rejects.toThrow('not like this')
  await Promise.resolve()
  expect(open).toBe(0)
})
