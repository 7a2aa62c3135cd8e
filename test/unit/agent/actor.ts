import { expect } from 'vitest'
import type { AgentStatus } from '../../../src/agent/agent.ts'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { HostedAgent } from '../../../src/agent/hosted-agent.ts'
import { type Place, World } from '../calls/world.ts'

export const hooks = ['onActivate', 'onDeactivate', 'onDestroy', 'onFailure', 'onEvent'] as const
type Hook = (typeof hooks)[number]

/** An agent whose hooks say when they begin and end, and wait or throw when they are told to. */
export async function actor(): Promise<{
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

export const refused = (status: AgentStatus): object => ({
  code: 'ERR_AGENT_STATE',
  message: expect.stringContaining(status),
})
