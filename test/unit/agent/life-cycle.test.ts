import { describe, expect, test } from 'vitest'
import { type AgentStatus, transitions } from '../../../src/agent/agent.ts'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { HostedAgent } from '../../../src/agent/hosted-agent.ts'
import { event, World } from '../calls/world.ts'
import { actor, refused } from './actor.ts'

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
