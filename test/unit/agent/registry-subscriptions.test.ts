import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { AgentSelf } from '../../../src/agent/self.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { event } from '../calls/world.ts'
import { collectGarbage, listener, one } from './one-place.ts'

test('EV-5 typed subscriptions see checked data; what does not fit is dropped, counted, and no fault of the agent', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  const agent = await place.registry.spawn(
    defineAgent({
      type: 'typed',
      onThrow: 'fail',
      subscribe: {
        'amcp.domain.a': z.object({ n: z.number(), more: z.string().default('x') }),
        'amcp.domain.b': z.number().refine(async (n) => n > 0),
      },
      onEvent: (got) => void log.push([got.subject, got.data]),
    }),
  )
  void world.carry(event('amcp.domain.a', { n: 1 }))
  void world.carry(event('amcp.domain.a', { n: 'one' }))
  void world.carry(event('amcp.domain.b', 5))
  void world.carry(event('amcp.domain.b', -5))
  await world.clock.advance(0)
  expect(log).toEqual([
    ['amcp.domain.a', { n: 1, more: 'x' }],
    ['amcp.domain.b', 5],
  ])
  expect(place.ports.counters.get('agents.data-mismatch')).toBe(2)
  expect(agent.status).toBe('ACTIVE')
})

test('an event that fits two patterns of an agent is handled once', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  const both = defineAgent({
    type: 'both',
    subscribe: ['amcp.domain.>', 'amcp.domain.x'],
    onEvent: (got) => void log.push(got.data),
  })
  await place.registry.spawn(both)
  void world.carry(event('amcp.domain.x', 1))
  void world.carry(event('amcp.domain.x', 1))
  await world.clock.advance(0)
  expect(log).toEqual([1, 1])
})

test('an agent that has handled an event keeps nothing of it, with schemas or without', async () => {
  const { world, place } = await one()
  let handled = 0
  const onEvent = (): void => void handled++
  await place.registry.spawn(defineAgent({ type: 'plain', subscribe: ['amcp.domain.>'], onEvent }))
  await place.registry.spawn(defineAgent({ type: 'schema', subscribe: { 'amcp.domain.>': z.number() }, onEvent }))
  let got: AmcpEvent | undefined = event('amcp.domain.x', 1)
  const trace = new WeakRef(got)
  void world.carry(got)
  world.published.length = 0
  got = undefined
  await world.clock.advance(0)
  // A weak reference lasts until its job has ended.
  await new Promise<void>((resolve) => setImmediate(resolve))
  collectGarbage()
  expect([handled, trace.deref()]).toEqual([2, undefined])
})

test('so it is when they have schemas: the first that fits, as they are written, says by which', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  const checked = defineAgent({
    type: 'checked',
    subscribe: {
      'amcp.domain.x': z.number().transform((n) => `x ${n}`),
      'amcp.domain.**': z.number().transform((n) => `any ${n}`),
      'amcp.domain.y': z.number().transform((n) => `y ${n}`),
    },
    onEvent: (got) => void log.push(got.data),
  })
  const agent = await place.registry.spawn(checked)
  for (const topic of ['amcp.domain.x', 'amcp.domain.y', 'amcp.domain.z']) void world.carry(event(topic, 1))
  await world.clock.advance(0)
  expect(log).toEqual(['x 1', 'any 1', 'any 1'])
  await place.registry.destroy([agent.id])
  void world.carry(event('amcp.domain.x', 1))
  await world.clock.advance(0)
  expect(log).toHaveLength(3)
})

test('one pattern is one subscription at the broker, and a failed one can be tried again', async () => {
  const { place } = await one()
  const subscribe = vi.spyOn(place, 'subscribe')
  const define = defineAgent({ type: 'many', subscribe: ['amcp.domain.x'], onEvent() {} })
  const agents = [await place.registry.spawn(define), await place.registry.spawn(define)]
  expect(subscribe).toHaveBeenCalledTimes(1)
  await place.registry.destroy([agents[0]!.id])
  expect(place.patterns.get('amcp.domain.x')!.size).toBe(1)
  await place.registry.destroy([agents[1]!.id])
  expect(place.patterns.get('amcp.domain.x')!.size).toBe(0)
  subscribe.mockRejectedValueOnce(new Error('not now'))
  await expect(place.registry.spawn(define)).rejects.toThrow('not now')
  await place.registry.spawn(define)
  expect(place.registry.size).toBe(1)
})

test('an event that waited beyond its expiry is dropped and counted, whatever kind of handler it was for', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  const gate = Promise.withResolvers<void>()
  const agent = await place.registry.spawn(
    listener(log, {
      async onEvent(got: AmcpEvent) {
        log.push(got.data)
        await gate.promise
      },
      onActivate: (self: AgentSelf) => void self.subscribe('amcp.domain.>', (got) => void log.push(`own ${got.data}`)),
    }),
  )
  const lasting = (ms: number) => ({ expirytime: new Date(world.clock.now() + ms).toISOString() })
  void world.carry(event('amcp.domain.x', 'first'))
  void world.carry(event('amcp.domain.x', 'short', lasting(10)))
  void world.carry(event('amcp.domain.x', 'long', lasting(11)))
  await world.clock.advance(10)
  gate.resolve()
  await world.clock.advance(0)
  expect(log).toEqual(['first', 'own first', 'long', 'own long'])
  expect(agent.dropped).toBe(2)
  expect(place.ports.counters.get('agents.expired')).toBe(2)
})
