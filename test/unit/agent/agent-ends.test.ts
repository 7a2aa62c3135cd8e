import { describe, expect, test } from 'vitest'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { event, World } from '../calls/world.ts'
import { actor } from './actor.ts'

describe('an agent that hangs', () => {
  test('is left to itself at the deadline of who ends it, half of the time for the handler and the rest for the hook', async () => {
    const { world, place, agent, log, hold } = await actor()
    hold('onEvent')
    hold('onDestroy')
    void world.carry(event('amcp.domain.x'))
    await world.clock.advance(0)
    const stopping = place.registry.stop({ by: world.clock.monotonic() + 1_000 })
    await world.clock.advance(499)
    expect(log).not.toContain('+onDestroy')
    await world.clock.advance(1)
    expect(log).toContain('+onDestroy')
    await world.clock.advance(499)
    expect(place.ports.counters.get('agents.hung')).toBe(1)
    await world.clock.advance(1)
    await stopping
    expect([agent.status, place.ports.counters.get('agents.hung'), world.clock.pending]).toEqual(['DESTROYED', 2, 0])
  })

  test('in its last hook holds only who destroys it, when nobody sets a deadline', async () => {
    const { world, place, agent, hold } = await actor()
    const release = hold('onDestroy')
    let isGone = false
    const gone = agent.destroy().then(() => {
      isGone = true
    })
    await world.clock.advance(60_000)
    expect(isGone).toBe(false)
    release()
    await gone
    expect(place.ports.counters.get('agents.hung')).toBe(0)
  })
})

describe('AG-5 agents in bulk', () => {
  test('thousands are created and torn down at once, with one announcement, and nothing of them stays', async () => {
    const world = new World()
    const place = world.context('here')
    await place.start()
    const ended: string[] = []
    const session = defineAgent({
      type: 'session',
      subscribe: ['amcp.domain.>'],
      onEvent: () => {},
      onActivate: (self) => void self.every(1_000, () => {}),
      onDestroy: (self) => void ended.push(self.id),
    })
    const agents = await Promise.all(Array.from({ length: 3_000 }, () => place.registry.spawn(session)))
    expect(new Set(agents.map(({ id }) => id)).size).toBe(3_000)
    expect(world.clock.pending).toBe(3_000)
    const before = place.offersChanged
    expect(await place.registry.destroy([...agents.map(({ id }) => id), 'nobody'])).toBe(3_000)
    expect(place.offersChanged).toBe(before + 1)
    expect(ended).toHaveLength(3_000)
    expect([place.registry.size, world.clock.pending]).toEqual([0, 0])
    expect(place.patterns.get('amcp.domain.>')?.size).toBe(0)
  })

  test('one that fails to end harms none of the others', async () => {
    const world = new World()
    const place = world.context('here')
    await place.start()
    const stubborn = defineAgent({
      type: 'stubborn',
      onDestroy: () => {
        throw new Error('I will not')
      },
    })
    const agents = [await place.registry.spawn(stubborn), await place.registry.spawn(defineAgent({ type: 'meek' }))]
    expect(await place.registry.destroy(agents.map(({ id }) => id))).toBe(2)
    expect(agents.map(({ status, failures }) => [status, failures])).toEqual([
      ['DESTROYED', 1],
      ['DESTROYED', 0],
    ])
  })
})

describe('a spawn that is overtaken', () => {
  test('by a destroy fails, and does not take its successor of the same name with it', async () => {
    const world = new World()
    const place = world.context('here')
    await place.start()
    const gate = Promise.withResolvers<void>()
    let isFirst = true
    const kind = defineAgent({
      type: 'twin',
      capabilities: { twin: { handle: () => 'here' } },
      onActivate: async () => {
        if (!isFirst) return
        isFirst = false
        await gate.promise
        throw new Error('too late')
      },
    })
    const first = expect(place.registry.spawn(kind, { name: 'one' })).rejects.toThrow('too late')
    await world.clock.advance(0)
    const gone = place.registry.destroy(place.registry.list.map(({ id }) => id))
    const second = await place.registry.spawn(kind, { name: 'one' })
    gate.resolve()
    await first
    await gone
    expect(place.registry.list).toEqual([second])
    expect(await place.calls.call('caller', 'twin', null)).toBe('here')
  })

  test('by a destroy while its first hook runs offers nothing', async () => {
    const world = new World()
    const place = world.context('here')
    await place.start()
    const gate = Promise.withResolvers<void>()
    const spawning = place.registry.spawn(
      defineAgent({ type: 'late', capabilities: { late: { handle: () => 1 } }, onActivate: () => gate.promise }),
    )
    await world.clock.advance(0)
    const gone = place.registry.destroy(place.registry.list.map(({ id }) => id))
    gate.resolve()
    expect((await spawning).status).toBe('DESTROYED')
    await gone
    expect(place.registry.offering('late')).toBeUndefined()
  })

  test('by the end of the context is refused, also when its state took long to check', async () => {
    const world = new World()
    const place = world.context('here')
    await place.start()
    const gate = Promise.withResolvers<void>()
    const state = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: async (value: unknown) => {
          await gate.promise
          return { value }
        },
      },
    }
    const late = expect(place.registry.spawn(defineAgent({ type: 'late', state }))).rejects.toMatchObject({
      code: 'ERR_STOPPED',
    })
    await place.stop()
    gate.resolve()
    await late
    expect(place.registry.size).toBe(0)
  })

  test('by itself: an agent of one’s own is given its context once', async () => {
    const world = new World()
    const place = world.context('here')
    await place.start()
    let given = 0
    const own = {
      id: place.mint('own', 'x'),
      type: 'own',
      setContext: () => void given++,
      handleEvent: () => undefined,
      serializeState: () => new Uint8Array(),
      deserializeState: () => {},
    }
    await place.registry.spawn(own)
    await expect(place.registry.spawn(own, { name: 'again' })).rejects.toMatchObject({
      code: 'ERR_AGENT_EXISTS',
      details: { name: 'again', type: 'own' },
    })
    expect(given).toBe(1)
  })
})

test('AG-6 a periodic timer that finds the mailbox full leaves out one run and goes on', async () => {
  const world = new World()
  const place = world.context('here')
  await place.start()
  const gate = Promise.withResolvers<void>()
  const runs: number[] = []
  const agent = await place.registry.spawn(
    defineAgent({
      type: 'ticking',
      mailbox: { limit: 1 },
      subscribe: ['amcp.domain.x'],
      onActivate: (self) => void self.every(10, () => void runs.push(world.clock.monotonic())),
      onEvent: () => gate.promise,
    }),
  )
  void world.carry(event('amcp.domain.x', 'held'))
  await world.clock.advance(0)
  void world.carry(event('amcp.domain.x', 'waiting'))
  await world.clock.advance(25)
  expect([runs, agent.dropped]).toEqual([[], 2])
  gate.resolve()
  await world.clock.advance(15)
  expect(runs).toEqual([30, 40])
  await place.registry.destroy([agent.id])
  await world.clock.advance(100)
  expect([runs.length, world.clock.pending]).toEqual([2, 0])
})

test('a periodic timer outlives the failure of its agent, and ends with it', async () => {
  const { world, agent, place, throwing } = await actor()
  const ticks: number[] = []
  const ticker = await place.registry.spawn(
    defineAgent({
      type: 'ticker',
      onThrow: 'fail',
      onActivate: (self) => {
        if (ticks.length > 0) return
        self.every(10, () => {
          ticks.push(world.clock.monotonic())
          if (ticks.length === 2) throw new Error('once')
        })
      },
    }),
  )
  await world.clock.advance(35)
  expect([ticks, ticker.status]).toEqual([[10, 20], 'FAILED'])
  await ticker.activate()
  await world.clock.advance(10)
  expect(ticks).toEqual([10, 20, 40])
  throwing.add('onDestroy')
  await place.registry.destroy([agent.id, ticker.id])
  expect(world.clock.pending).toBe(0)
})
