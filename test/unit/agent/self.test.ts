import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { AgentSelf } from '../../../src/agent/self.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { one } from './one-place.ts'

test('self publishes, subscribes, calls, waits, and knows time, chance and itself', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  let self: AgentSelf<{ n: number }> | undefined
  await place.registry.spawn(
    defineAgent({
      type: 'busy',
      state: z.object({ n: z.number().default(0) }),
      onActivate(mine) {
        self = mine
      },
      capabilities: { double: { handle: (n: number) => n * 2 } },
    }),
    { name: 'bee' },
  )
  const me = self!
  const heard = me.subscribe('amcp.domain.x', (got: AmcpEvent) => void log.push(got.data))
  await heard.ready
  expect(heard.pattern).toBe('amcp.domain.x')
  await me.publish('amcp.domain.x', { a: 1 }, { priority: 7, type: 'amcp.domain.thing' })
  await me.publish('amcp.domain.y', undefined)
  await me.publish('amcp.domain.y', Uint8Array.of(1))
  await world.clock.advance(0)
  expect(log).toEqual([{ a: 1 }])
  expect(
    world.published.map(({ type, priority, data, datacontenttype }) => [type, priority, data, datacontenttype]),
  ).toEqual([
    ['amcp.domain.thing', 7, { a: 1 }, 'application/json'],
    ['amcp.domain.event', undefined, null, 'application/json'],
    ['amcp.domain.event', undefined, Uint8Array.of(1), 'application/octet-stream'],
  ])
  expect(world.published[0]).toMatchObject({ source: `amcp://here/${me.id}`, specversion: '1.0' })
  heard.unsubscribe()
  await me.publish('amcp.domain.x', 2)
  await world.clock.advance(0)
  expect(log).toHaveLength(1)
  expect(await me.call('double', 21)).toBe(42)
  me.state = { n: 5 }
  me.state.n += 1
  expect([me.state, me.name, me.type, me.now()]).toEqual([{ n: 6 }, 'bee', 'busy', world.clock.now()])
  expect(me.random()).toBeLessThan(1)
  await expect(me.subscribe('amcp..x', () => {}).ready).rejects.toThrow('empty level')
})

test('timers run through the mailbox, repeat from the end of the last run, and can be cancelled', async () => {
  const { world, place } = await one()
  const log: string[] = []
  let self: AgentSelf | undefined
  const agent = await place.registry.spawn(
    defineAgent({
      type: 'timed',
      onActivate(mine) {
        self = mine
      },
    }),
  )
  const me = self!
  me.after(10, () => void log.push('once'))
  me.after(10, () => void log.push('never')).cancel()
  let ticks = 0
  const every = me.every(10, () => {
    log.push('tick')
    ticks += 1
    if (ticks === 2) throw new Error('a tick that throws does not stop the rest')
    if (ticks === 3) every.cancel()
  })
  await world.clock.advance(100)
  expect(log).toEqual(['once', 'tick', 'tick', 'tick'])
  expect(agent.failures).toBe(1)
  const waiting = me.after(5, () => void log.push('cancelled while it waited'))
  await agent.deactivate()
  await world.clock.advance(10)
  void waiting.cancel()
  await agent.activate()
  await world.clock.advance(0)
  expect(log).toHaveLength(4)
  for (const ms of [0, -1, Number.NaN]) expect(() => me.every(ms, () => {})).toThrow(RangeError)
  for (let made = 0; made < 1_024; made++) me.after(1_000, () => {})
  expect(() => me.after(1, () => {})).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL' }))
  await place.registry.destroy([agent.id])
  expect(() => me.after(1, () => {})).toThrow(expect.objectContaining({ code: 'ERR_AGENT_STATE' }))
  await expect(me.publish('amcp.domain.x', 1)).rejects.toMatchObject({ code: 'ERR_AGENT_STATE' })
  await expect(me.call('x', 1)).rejects.toMatchObject({ code: 'ERR_AGENT_STATE' })
  expect(world.clock.pending).toBe(0)
})

test('calls answered inside calls are bounded in depth', async () => {
  const { world, place } = await one()
  for (let level = 0; level < 100; level++) {
    await place.registry.spawn(
      defineAgent({
        type: `level-${level}`,
        capabilities: {
          [`down.${level}`]: {
            handle: (_input: unknown, self: AgentSelf) => (level === 99 ? 'bottom' : self.call(`down.${level + 1}`, 1)),
          },
        },
      }),
    )
  }
  const call = place.calls.call('c', 'down.0', 1)
  await world.clock.advance(0)
  expect(await call).toBe('bottom')
})

test('an agent that calls itself waits until the deadline instead of answering in the middle of an event', async () => {
  const { world, place } = await one()
  await place.registry.spawn(
    defineAgent({
      type: 'selfish',
      capabilities: {
        outer: { handle: (_i: unknown, self: AgentSelf) => self.call('inner', 1, { deadline: 20 }) },
        inner: { handle: () => 'never' },
      },
    }),
  )
  const call = expect(place.calls.call('c', 'outer', 1)).rejects.toMatchObject({
    code: 'ERR_CALL_FAILED',
    details: { code: 'ERR_CALL_DEADLINE' },
  })
  await world.clock.advance(30)
  await call
})

test('schemas of inputs and outputs may be asynchronous', async () => {
  const { place } = await one()
  const even = z.number().refine(async (n) => n % 2 === 0, 'odd')
  await place.registry.spawn(
    defineAgent({ type: 'even', capabilities: { half: { input: even, output: even, handle: (n) => n / 2 } } }),
  )
  expect(await place.calls.call('c', 'half', 8)).toBe(4)
  await expect(place.calls.call('c', 'half', 3)).rejects.toMatchObject({ code: 'ERR_SCHEMA_MISMATCH' })
  await expect(place.calls.call('c', 'half', 2)).rejects.toMatchObject({ code: 'ERR_SCHEMA_MISMATCH' })
})
