import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Agent, AgentContext } from '../../../src/agent/agent.ts'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { event } from '../calls/world.ts'
import { listener, one } from './one-place.ts'

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

test('a registry that is stopped has no agents and takes none', async () => {
  const { place } = await one()
  await place.registry.start()
  await place.registry.spawn(defineAgent({ type: 'a' }))
  await place.registry.stop()
  await place.registry.stop()
  expect(place.registry.size).toBe(0)
  await expect(place.registry.spawn(defineAgent({ type: 'a' }))).rejects.toMatchObject({ code: 'ERR_STOPPED' })
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
