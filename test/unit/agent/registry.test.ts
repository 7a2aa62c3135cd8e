import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Agent, AgentContext } from '../../../src/agent/agent.ts'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { AgentSelf } from '../../../src/agent/self.ts'
import type { Watch } from '../../../src/agent/watch.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { event, type Place, World } from '../calls/world.ts'

async function one(): Promise<{ world: World; place: Place }> {
  const world = new World()
  const place = world.context('here')
  await place.start()
  return { world, place }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

const listener = (log: unknown[], more: object = {}) =>
  defineAgent({
    type: 'listener',
    subscribe: ['amcp.domain.>'],
    onEvent(got) {
      log.push(got.data)
    },
    ...more,
  })

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

test('an agent that is not active is idle whatever waits, and one with something to do is not', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  const agent = await place.registry.spawn(listener(log))
  await agent.deactivate()
  void world.carry(event('amcp.domain.x', 1))
  expect(agent).toMatchObject({ waiting: 1, isIdle: true, status: 'INACTIVE' })
  await agent.activate()
  void world.carry(event('amcp.domain.x', 2))
  expect(agent.isIdle).toBe(false)
  await world.clock.advance(0)
  expect(log).toEqual([1, 2])
  expect(agent.isIdle).toBe(true)
})

test('an agent that declares it is FAILED by a throw, sheds what waits, and can be activated again', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  const agent = await place.registry.spawn(
    defineAgent({
      type: 'fragile',
      onThrow: 'fail',
      subscribe: ['amcp.domain.x'],
      onEvent({ data }) {
        if (data === 'bad') throw new Error('broken')
        log.push(data)
      },
      onActivate: () => void log.push('active'),
      onFailure: (reason) => {
        log.push((reason as Error).message)
        throw new Error('the hook too')
      },
      capabilities: { ask: { handle: () => 1 } },
    }),
  )
  for (const data of ['bad', 'shed']) void world.carry(event('amcp.domain.x', data))
  await world.clock.advance(0)
  expect(agent).toMatchObject({ status: 'FAILED', waiting: 0, dropped: 1, failures: 2 })
  await expect(place.calls.call('caller', agent.id, 1)).rejects.toMatchObject({ code: 'ERR_AGENT_STATE' })
  await expect(place.calls.call('caller', 'ask', 1))
    .rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
    .catch(() => undefined)
  await agent.activate()
  void world.carry(event('amcp.domain.x', 'good'))
  await world.clock.advance(0)
  expect(log).toEqual(['active', 'broken', 'active', 'good'])
})

test('AG-1 an INACTIVE agent keeps its mailbox and handles it when it is active again', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  let go = (): void => {}
  const agent = await place.registry.spawn(
    defineAgent({
      type: 'sleeper',
      subscribe: ['amcp.domain.x'],
      async onEvent({ data }) {
        await new Promise<void>((resolve) => {
          go = resolve
        })
        log.push(data)
      },
      onActivate: () => void log.push('on'),
      onDeactivate: async () => void log.push('off'),
    }),
  )
  void world.carry(event('amcp.domain.x', 1))
  void world.carry(event('amcp.domain.x', 2))
  await world.clock.advance(0)
  const off = agent.deactivate()
  go()
  await off
  expect(log).toEqual(['on', 1, 'off'])
  await world.clock.advance(0)
  expect(agent).toMatchObject({ status: 'INACTIVE', waiting: 1 })
  await expect(agent.deactivate()).rejects.toMatchObject({ code: 'ERR_AGENT_STATE' })
  await agent.activate()
  await world.clock.advance(0)
  go()
  await world.clock.advance(0)
  expect(log).toEqual(['on', 1, 'off', 'on', 2])
})

test('AG-1 a throw of onActivate fails the spawn, and nothing is left of the agent', async () => {
  const { place } = await one()
  const define = (hook: () => void | Promise<void>) =>
    defineAgent({ type: 'stillborn', onActivate: hook, onDestroy: () => Promise.reject(new Error('and this')) })
  for (const hook of [
    () => {
      throw new Error('at once')
    },
    () => Promise.reject(new Error('at once')),
  ]) {
    await expect(place.registry.spawn(define(hook))).rejects.toThrow('at once')
  }
  expect(place.registry.list).toEqual([])
})

test('AG-5 agents are destroyed in bulk: calls fail, hooks run after the last handler, timers and subscriptions end', async () => {
  const { world, place } = await one()
  const log: string[] = []
  let release = (): void => {}
  const agent = await place.registry.spawn(
    defineAgent({
      type: 'worker',
      subscribe: { 'amcp.domain.typed': z.number() },
      onEvent: () => void log.push('event'),
      onActivate(self) {
        self.after(50, () => void log.push('timer'))
        self.every(20, () => void log.push('tick'))
        self.subscribe('amcp.domain.x', () => void log.push('handler'))
      },
      async onDestroy() {
        log.push('destroyed')
      },
      capabilities: {
        work: {
          handle: () =>
            new Promise<void>((resolve) => {
              release = resolve
            }),
        },
      },
    }),
  )
  const idle = await place.registry.spawn(defineAgent({ type: 'idle' }))
  const running = expect(place.calls.call('c', 'work', 1)).rejects.toMatchObject({ code: 'ERR_AGENT_STATE' })
  const queued = expect(place.calls.call('c', 'work', 1)).rejects.toMatchObject({ code: 'ERR_AGENT_STATE' })
  const destroyed = place.registry.destroy([agent.id, idle.id, 'nobody'])
  await running
  await queued
  expect(log).toEqual([])
  release()
  expect(await destroyed).toBe(2)
  expect(log).toEqual(['destroyed'])
  await agent.destroy()
  for (const topic of ['amcp.domain.x', 'amcp.domain.typed']) void world.carry(event(topic, 1))
  await world.clock.advance(100)
  expect(log).toEqual(['destroyed'])
  expect([...place.patterns].filter(([, delivers]) => delivers.size > 0).map(([pattern]) => pattern)).toEqual([
    'amcp.agent.*',
  ])
  agent.put(event('amcp.domain.x'), 4)
  expect(agent.waiting).toBe(0)
})

test('a handler that never ends keeps a destroy waiting for 5 s, no longer', async () => {
  const { world, place } = await one()
  const agent = await place.registry.spawn(
    defineAgent({ type: 'stuck', capabilities: { hang: { handle: () => new Promise(() => {}) } } }),
  )
  place.calls.call('c', 'hang', 1).catch(() => undefined)
  let ended = false
  const destroyed = place.registry.destroy([agent.id]).then(() => {
    ended = true
  })
  await world.clock.advance(4_990)
  expect(ended).toBe(false)
  await world.clock.advance(10)
  await destroyed
})

test('a named agent has the same id again, and only once at a time', async () => {
  const { place } = await one()
  const definition = defineAgent({ type: 'named' })
  const first = await place.registry.spawn(definition, { name: 'n' })
  expect(first.name).toBe('n')
  await expect(place.registry.spawn(definition, { name: 'n' })).rejects.toMatchObject({
    code: 'ERR_AGENT_EXISTS',
    details: { agent: first.id, type: 'named', name: 'n' },
  })
  await place.registry.destroy([first.id])
  expect((await place.registry.spawn(definition, { name: 'n' })).id).toBe(first.id)
})

test('AG-4 the initial state is what the schema makes of it, and a bad one is refused with its path', async () => {
  const { place } = await one()
  let seen: unknown
  const State = z.object({ seen: z.number().default(7), tags: z.array(z.string()).default([]) })
  const definition = defineAgent({
    type: 'stateful',
    state: State,
    onActivate: (self) => {
      seen = self.state
    },
  })
  await place.registry.spawn(definition)
  expect(seen).toEqual({ seen: 7, tags: [] })
  await place.registry.spawn(definition, { state: { seen: 9 } })
  expect(seen).toEqual({ seen: 9, tags: [] })
  await expect(place.registry.spawn(definition, { state: { tags: ['a', 1 as never] } })).rejects.toMatchObject({
    code: 'ERR_SCHEMA_MISMATCH',
    details: { path: 'tags[1]' },
  })
  const later = defineAgent({ type: 'later', state: z.object({}).refine(async () => true) })
  expect((await place.registry.spawn(later)).status).toBe('ACTIVE')
})

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

test('AG-1 an agent may be a class of one’s own, with an id that this context minted', async () => {
  const { world, place } = await one()
  const log: unknown[] = []
  let context: AgentContext | undefined
  const make = (id: string): Agent => ({
    id,
    type: 'own',
    setContext: (given) => {
      context = given
    },
    handleEvent: (got) => void log.push(got.data),
    serializeState: () => new Uint8Array(),
    deserializeState: () => {},
  })
  const own = make(place.mint('own', 'a'))
  const hosted = await place.registry.spawn(own, { name: 'a' })
  expect(context?.registry.get(own.id)).toBe(hosted)
  expect(context?.security.tokenOf(own.id)).toBeDefined()
  expect(context?.endpoint).toEqual([])
  void world.carry(event(`amcp.agent.${own.id}`, 'hi'))
  await world.clock.advance(0)
  expect(log).toEqual(['hi'])
  await expect(place.calls.call('c', own.id, 1)).rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
  await expect(place.registry.spawn(make('ffffffff-0000-8000-8000-000000000001'))).rejects.toThrow(TypeError)
  expect(place.registry.offers).toEqual([])
  await hosted.deactivate()
  expect(await place.registry.destroy([own.id])).toBe(1)
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

test('a registry that is stopped has no agents and takes none', async () => {
  const { place } = await one()
  await place.registry.start()
  await place.registry.spawn(defineAgent({ type: 'a' }))
  await place.registry.stop()
  await place.registry.stop()
  expect(place.registry.size).toBe(0)
  await expect(place.registry.spawn(defineAgent({ type: 'a' }))).rejects.toMatchObject({ code: 'ERR_STOPPED' })
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

test('an agent’s id is taken once, with a name or without', async () => {
  const { place } = await one()
  const own = (id: string) => ({
    id,
    type: 'own',
    setContext: () => {},
    handleEvent: () => undefined,
    serializeState: () => new Uint8Array(),
    deserializeState: () => {},
  })
  const id = place.mint('own', 'x')
  await place.registry.spawn(own(id))
  await expect(place.registry.spawn(own(id))).rejects.toMatchObject({ details: { agent: id, type: 'own' } })
  const named = defineAgent({ type: 'named' })
  await place.registry.spawn(named, { name: 'n' })
  await expect(place.registry.spawn(named, { name: 'n' })).rejects.toMatchObject({ details: { name: 'n' } })
})
