import { describe, expect, test } from 'vitest'
import { type AgentStatus, transitions } from '../../../src/agent/agent.ts'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { HostedAgent } from '../../../src/agent/hosted-agent.ts'
import { event, type Place, World } from '../calls/world.ts'

const hooks = ['onActivate', 'onDeactivate', 'onDestroy', 'onFailure', 'onEvent'] as const
type Hook = (typeof hooks)[number]

/** An agent whose hooks say when they begin and end, and wait or throw when they are told to. */
async function actor(): Promise<{
  world: World
  place: Place
  agent: HostedAgent
  log: string[]
  throwing: Set<Hook>
  hold(hook: Hook): () => void
}> {
  const world = new World()
  const place = world.context('here')
  await place.start()
  const log: string[] = []
  const throwing = new Set<Hook>()
  const gates = new Map<Hook, Promise<void>>()
  const run = async (hook: Hook): Promise<void> => {
    log.push(`+${hook}`)
    await gates.get(hook)
    log.push(`-${hook}`)
    if (throwing.has(hook)) throw new Error(`thrown by ${hook}`)
  }
  const agent = await place.registry.spawn(
    defineAgent({
      type: 'actor',
      subscribe: ['amcp.domain.x'],
      onThrow: 'fail',
      onActivate: () => run('onActivate'),
      onDeactivate: () => run('onDeactivate'),
      onDestroy: () => run('onDestroy'),
      onFailure: () => run('onFailure'),
      onEvent: () => run('onEvent'),
    }),
  )
  log.length = 0
  const hold = (hook: Hook): (() => void) => {
    const gate = Promise.withResolvers<void>()
    gates.set(hook, gate.promise)
    return () => {
      gates.delete(hook)
      gate.resolve()
    }
  }
  return { world, place, agent, log, throwing, hold }
}

const refused = (status: AgentStatus): object => ({ code: 'ERR_AGENT_STATE', message: expect.stringContaining(status) })

describe('AG-1 the life cycle of an agent', () => {
  const steps: readonly [
    from: AgentStatus,
    step: 'activate' | 'deactivate' | 'destroy',
    to: AgentStatus | 'refused',
  ][] = [
    ['ACTIVE', 'activate', 'refused'],
    ['ACTIVE', 'deactivate', 'INACTIVE'],
    ['ACTIVE', 'destroy', 'DESTROYED'],
    ['INACTIVE', 'activate', 'ACTIVE'],
    ['INACTIVE', 'deactivate', 'refused'],
    ['INACTIVE', 'destroy', 'DESTROYED'],
    ['FAILED', 'activate', 'ACTIVE'],
    ['FAILED', 'deactivate', 'refused'],
    ['FAILED', 'destroy', 'DESTROYED'],
    ['DESTROYED', 'activate', 'refused'],
    ['DESTROYED', 'deactivate', 'refused'],
    ['DESTROYED', 'destroy', 'DESTROYED'],
  ]

  const reach = async (from: AgentStatus): Promise<HostedAgent> => {
    const { world, agent, throwing } = await actor()
    if (from === 'INACTIVE') await agent.deactivate()
    if (from === 'DESTROYED') await agent.destroy()
    if (from === 'FAILED') {
      throwing.add('onEvent')
      void world.carry(event('amcp.domain.x'))
      await world.clock.advance(0)
    }
    expect(agent.status).toBe(from)
    return agent
  }

  test.each(steps)('%s, told to %s, is %s', async (from, step, to) => {
    const agent = await reach(from)
    if (to === 'refused') {
      await expect(agent[step]()).rejects.toMatchObject(refused(from))
      expect(agent.status).toBe(from)
    } else {
      await agent[step]()
      expect(agent.status).toBe(to)
      if (from !== to) expect(transitions[from]).toContain(to)
    }
  })

  test('begins as CREATED while its first hook runs, and takes what comes then afterwards', async () => {
    const world = new World()
    const place = world.context('here')
    await place.start()
    const seen: unknown[] = []
    const gate = Promise.withResolvers<void>()
    const spawning = place.registry.spawn(
      defineAgent({
        type: 'slow-start',
        subscribe: ['amcp.domain.x'],
        onActivate: () => gate.promise,
        onEvent: ({ data }) => void seen.push(data),
      }),
    )
    await world.clock.advance(0)
    const [agent] = place.registry.list
    expect(agent).toMatchObject({ status: 'CREATED', isIdle: false })
    void world.carry(event('amcp.domain.x', 'early'))
    await world.clock.advance(0)
    expect(seen).toEqual([])
    gate.resolve()
    await spawning
    await world.clock.advance(0)
    expect(seen).toEqual(['early'])
  })

  test('every hook that throws leaves the agent FAILED, but onFailure and onDestroy', async () => {
    const { agent, throwing, log } = await actor()
    throwing.add('onDeactivate').add('onFailure')
    await expect(agent.deactivate()).rejects.toThrow('thrown by onDeactivate')
    expect(agent).toMatchObject({ status: 'FAILED', failures: 2 })
    expect(log).toEqual(['+onDeactivate', '-onDeactivate', '+onFailure', '-onFailure'])
    throwing.delete('onDeactivate')
    await agent.activate()
    expect(agent.status).toBe('ACTIVE')
    throwing.add('onDestroy')
    await agent.destroy()
    expect(agent).toMatchObject({ status: 'DESTROYED', failures: 3 })
  })
})

describe('AG-1 hooks and handlers run one at a time', () => {
  test('activate waits for onDeactivate to end', async () => {
    const { agent, log, hold } = await actor()
    const release = hold('onDeactivate')
    const off = agent.deactivate()
    const on = agent.activate()
    release()
    await Promise.all([off, on])
    expect(log).toEqual(['+onDeactivate', '-onDeactivate', '+onActivate', '-onActivate'])
    expect(agent.status).toBe('ACTIVE')
  })

  test('of two that activate at once one does it, and the other is told that it is done', async () => {
    const { agent, log } = await actor()
    await agent.deactivate()
    log.length = 0
    const [first, second] = await Promise.allSettled([agent.activate(), agent.activate()])
    expect(first.status).toBe('fulfilled')
    expect(second).toMatchObject({ status: 'rejected', reason: refused('ACTIVE') })
    expect(log).toEqual(['+onActivate', '-onActivate'])
  })

  test('onFailure ends before the agent is active again', async () => {
    const { world, agent, log, throwing, hold } = await actor()
    throwing.add('onEvent')
    const release = hold('onFailure')
    void world.carry(event('amcp.domain.x'))
    await world.clock.advance(0)
    expect(agent.status).toBe('FAILED')
    const again = agent.activate()
    await world.clock.advance(0)
    release()
    await again
    expect(log).toEqual(['+onEvent', '-onEvent', '+onFailure', '-onFailure', '+onActivate', '-onActivate'])
  })

  test('an agent whose last handler fails while it is deactivated stays FAILED, and onDeactivate does not run', async () => {
    const { world, agent, log, throwing, hold } = await actor()
    throwing.add('onEvent')
    const release = hold('onEvent')
    void world.carry(event('amcp.domain.x'))
    await world.clock.advance(0)
    const off = expect(agent.deactivate()).rejects.toMatchObject(refused('FAILED'))
    release()
    await off
    expect(agent.status).toBe('FAILED')
    expect(log).not.toContain('+onDeactivate')
  })

  test('an agent destroyed while it waits to be deactivated runs no hook but onDestroy', async () => {
    const { world, agent, log, hold } = await actor()
    const release = hold('onEvent')
    void world.carry(event('amcp.domain.x'))
    await world.clock.advance(0)
    const off = expect(agent.deactivate()).rejects.toMatchObject(refused('DESTROYED'))
    const gone = agent.destroy()
    release()
    await Promise.all([off, gone])
    expect(log).toEqual(['+onEvent', '-onEvent', '+onDestroy', '-onDestroy'])
    expect(world.clock.pending).toBe(0)
  })

  test('an agent destroyed in the middle of a hook stays so, whether the hook ends well or throws', async () => {
    for (const isThrowing of [false, true]) {
      const { agent, log, throwing, hold } = await actor()
      if (isThrowing) throwing.add('onDeactivate')
      const release = hold('onDeactivate')
      const off = Promise.allSettled([agent.deactivate()])
      await Promise.resolve()
      const gone = agent.destroy()
      release()
      const [outcome] = await off
      await gone
      expect(outcome?.status).toBe(isThrowing ? 'rejected' : 'fulfilled')
      expect(agent.status).toBe('DESTROYED')
      expect(log).toEqual(['+onDeactivate', '-onDeactivate', '+onDestroy', '-onDestroy'])
    }
  })

  test('a handler that fails after its agent was destroyed changes nothing', async () => {
    const { world, agent, log, throwing, hold } = await actor()
    throwing.add('onEvent')
    const release = hold('onEvent')
    void world.carry(event('amcp.domain.x'))
    await world.clock.advance(0)
    const gone = agent.destroy()
    release()
    await gone
    expect(agent).toMatchObject({ status: 'DESTROYED', failures: 1 })
    expect(log).not.toContain('+onFailure')
  })

  test('what comes while hooks wait is handled after them', async () => {
    const { world, place, agent, log, hold } = await actor()
    const release = hold('onEvent')
    void world.carry(event('amcp.domain.x'))
    await world.clock.advance(0)
    const off = agent.deactivate()
    const again = agent.activate()
    release()
    await Promise.all([off, again])
    void place.publish(event('amcp.domain.x'))
    await world.clock.advance(0)
    expect(log).toEqual([
      ...['+onEvent', '-onEvent', '+onDeactivate', '-onDeactivate'],
      ...['+onActivate', '-onActivate', '+onEvent', '-onEvent'],
    ])
  })
})

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
