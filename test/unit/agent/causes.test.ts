import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { AgentSelf } from '../../../src/agent/self.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { event, type Place, World } from '../calls/world.ts'

const CAUSE = '0190a3b2-5c6d-4e8f-8a9b-0c1d2e3f4a50'
const cause = (more: Partial<AmcpEvent> = {}): AmcpEvent => event('amcp.domain.cause', 1, { id: CAUSE, ...more })

async function pair(): Promise<{ world: World; here: Place; there: Place }> {
  const world = new World()
  const [here, there] = [world.context('here'), world.context('there')]
  for (const place of [here, there]) await place.start()
  return { world, here, there }
}

const of = (world: World, subject: string): AmcpEvent => world.published.find((one) => one.subject === subject)!
const trace = (one: AmcpEvent): string | undefined => one.traceparent?.slice(3, 35)

/** An agent that does something when the cause comes. */
const reacting = (onEvent: (event: AmcpEvent, self: AgentSelf) => void | Promise<void>) =>
  defineAgent({ type: 'reacting', subscribe: ['amcp.domain.cause'], onEvent })

describe('EV-3 what an agent publishes', () => {
  test('while it handles an event names it as the cause and is of its chain and trace', async () => {
    const { world, here } = await pair()
    await here.registry.spawn(reacting((_, self) => self.publish('amcp.domain.effect', 1)))
    void world.carry(cause())
    await world.clock.advance(0)
    const effect = of(world, 'amcp.domain.effect')
    expect([effect.causationid, effect.correlationid, trace(effect)]).toEqual([CAUSE, CAUSE, CAUSE.replaceAll('-', '')])
    expect(effect.traceparent?.slice(36, 52)).not.toBe(world.published[0]!.traceparent?.slice(36, 52))
  })

  test('further down the chain keeps the correlation id and the trace of its beginning', async () => {
    const { world, here } = await pair()
    const next = defineAgent({
      type: 'next',
      subscribe: ['amcp.domain.effect'],
      onEvent: (_, self) => self.publish('amcp.domain.last', 1),
    })
    await here.registry.spawn(next)
    await here.registry.spawn(reacting((_, self) => self.publish('amcp.domain.effect', 1)))
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    void world.carry(cause({ correlationid: 'order 7', traceparent, extensions: { tracestate: 'v=1' } }))
    await world.clock.advance(0)
    const [effect, last] = [of(world, 'amcp.domain.effect'), of(world, 'amcp.domain.last')]
    expect([effect.causationid, last.causationid]).toEqual([CAUSE, effect.id])
    for (const one of [effect, last]) {
      expect(one).toMatchObject({ correlationid: 'order 7', extensions: { tracestate: 'v=1' } })
      expect(one.traceparent).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
    }
    expect(new Set([traceparent, effect.traceparent, last.traceparent]).size).toBe(3)
  })

  test('after it has waited, in a handler of its own and behind a schema, still has its cause', async () => {
    const { world, here } = await pair()
    const waiting = defineAgent({
      type: 'waiting',
      subscribe: { 'amcp.domain.cause': z.number() },
      onActivate(self) {
        self.subscribe('amcp.domain.cause', () => self.publish('amcp.domain.own', 1))
      },
      async onEvent(_, self) {
        await new Promise<void>((resolve) => world.clock.after(5, resolve))
        await self.publish('amcp.domain.effect', 1)
      },
    })
    await here.registry.spawn(waiting)
    void world.carry(cause())
    await world.clock.advance(10)
    expect(of(world, 'amcp.domain.effect').causationid).toBe(CAUSE)
    expect(of(world, 'amcp.domain.own').causationid).toBe(CAUSE)
  })

  test('in hooks and timers has no cause, nor after its handler has ended', async () => {
    const { world, here } = await pair()
    const late = Promise.withResolvers<void>()
    const agent = defineAgent({
      type: 'free',
      subscribe: ['amcp.domain.cause'],
      onActivate: (self) => self.publish('amcp.domain.hook', 1),
      onEvent(_, self) {
        self.after(1, () => self.publish('amcp.domain.timer', 1))
        void late.promise.then(() => self.publish('amcp.domain.late', 1))
      },
    })
    await here.registry.spawn(agent)
    void world.carry(cause())
    await world.clock.advance(2)
    late.resolve()
    await world.clock.advance(0)
    for (const topic of ['hook', 'timer', 'late']) {
      const one = of(world, `amcp.domain.${topic}`)
      expect([one.causationid, one.correlationid, trace(one)]).toEqual([undefined, one.id, one.id.replaceAll('-', '')])
    }
  })

  test('has what its caller gave instead', async () => {
    const { world, here } = await pair()
    const own = {
      ...{ correlationid: 'c', causationid: 'd' },
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00',
    }
    await here.registry.spawn(
      reacting(async (_, self) => {
        await self.publish('amcp.domain.all', 1, own)
        await self.publish('amcp.domain.some', 1, { correlationid: 'c' })
      }),
    )
    void world.carry(cause())
    await world.clock.advance(0)
    expect(of(world, 'amcp.domain.all')).toMatchObject(own)
    const some = of(world, 'amcp.domain.some')
    expect([some.correlationid, some.causationid, trace(some)]).toEqual(['c', CAUSE, CAUSE.replaceAll('-', '')])
  })
})

describe('EV-3 a call', () => {
  const asking = reacting(async (_, self) => {
    await self.call('work', 1)
    await self.publish('amcp.domain.asked', 1)
  })
  const working = defineAgent({
    type: 'working',
    capabilities: {
      work: {
        async handle(_, self) {
          await self.publish('amcp.domain.worked', 1)
          await self.publish('amcp.domain.worked.twice', 1)
        },
      },
    },
  })

  test('to another context passes the chain on: call, reply, and what is published in between', async () => {
    const { world, here, there } = await pair()
    await there.registry.spawn(working)
    await here.registry.spawn(asking)
    void world.carry(cause({ correlationid: 'order 7', extensions: { tracestate: 'v=1' } }))
    await world.clock.advance(0)
    const [call, reply] = ['call', 'reply'].map((name) => world.published.find((one) => one.type.endsWith(name))!)
    const [worked, asked] = [of(world, 'amcp.domain.worked'), of(world, 'amcp.domain.asked')]
    expect([call, reply, worked, asked].map((one) => one!.causationid)).toEqual([CAUSE, call!.id, call!.id, CAUSE])
    for (const one of [call, reply, worked, asked]) {
      expect(one!.correlationid).toBe('order 7')
      expect(trace(one!)).toBe(CAUSE.replaceAll('-', ''))
    }
    expect(new Set([call, reply, worked, asked].map((one) => one!.traceparent)).size).toBe(4)
  })

  test('carries a given trace with its tracestate there and back', async () => {
    const { world, here, there } = await pair()
    await there.registry.spawn(working)
    await here.registry.spawn(asking)
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    void world.carry(cause({ traceparent, extensions: { tracestate: 'v=1' } }))
    await world.clock.advance(0)
    for (const type of ['call', 'reply']) {
      const one = world.published.find((sent) => sent.type.endsWith(type))!
      expect(one).toMatchObject({ correlationid: CAUSE, extensions: { tracestate: 'v=1' } })
      expect(trace(one)).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
    }
    expect(trace(of(world, 'amcp.domain.worked'))).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
  })

  test('to an agent of the same context gives one cause to all that is published while it is served', async () => {
    const { world, here } = await pair()
    await here.registry.spawn(working)
    await here.registry.spawn(asking)
    void world.carry(cause())
    await world.clock.advance(0)
    const [first, second] = [of(world, 'amcp.domain.worked'), of(world, 'amcp.domain.worked.twice')]
    expect([first.correlationid, second.correlationid]).toEqual([CAUSE, CAUSE])
    expect(first.causationid).toMatch(/^[0-9a-f-]{36}$/)
    expect(first.causationid).not.toBe(CAUSE)
    expect(second.causationid).toBe(first.causationid)
    expect(of(world, 'amcp.domain.asked').causationid).toBe(CAUSE)
  })

  test('that nothing caused begins a chain, also within one context', async () => {
    const { world, here, there } = await pair()
    const { id } = await there.registry.spawn(working)
    await there.calls.call(id, 'work', 1)
    const [first, second] = [of(world, 'amcp.domain.worked'), of(world, 'amcp.domain.worked.twice')]
    expect([first.causationid, second.correlationid]).toEqual([first.correlationid, first.causationid])
    world.published.length = 0
    await here.calls.call(here.mint('caller', undefined), 'work', 1)
    const [call, worked] = [world.published[0]!, of(world, 'amcp.domain.worked')]
    expect([worked.causationid, worked.correlationid, call.correlationid]).toEqual([call.id, call.id, call.id])
    expect(call.causationid).toBeUndefined()
  })

  test('that is given up takes the chain along with its cancel', async () => {
    const { world, here, there } = await pair()
    const hang = defineAgent({ type: 'hang', capabilities: { work: { handle: () => new Promise<never>(() => {}) } } })
    await there.registry.spawn(hang)
    const abort = new AbortController()
    const giving = reacting((_, self) => self.call('work', 1, { signal: abort.signal }).catch(() => undefined))
    await here.registry.spawn(giving)
    void world.carry(cause({ correlationid: 'order 7' }))
    await world.clock.advance(0)
    abort.abort()
    const [call, cancel] = ['call', 'cancel'].map((name) => world.published.find((one) => one.type.endsWith(name))!)
    expect(cancel).toMatchObject({ correlationid: 'order 7', causationid: call!.id })
    expect(trace(cancel!)).toBe(trace(call!))
    expect(there.calls.open).toBe(0)
  })
})
