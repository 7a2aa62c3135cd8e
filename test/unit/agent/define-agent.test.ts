import { expect, test } from 'vitest'
import { z } from 'zod'
import { checkTransition, transitions } from '../../../src/agent/agent.ts'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { DefinedAgent } from '../../../src/agent/defined-agent.ts'

test('fills in what a definition leaves out', () => {
  const definition = defineAgent({ type: 'idle', capabilities: { rest: { handle: () => 1 } } })
  expect(definition).toMatchObject({ type: 'idle', mailboxLimit: 1_024, failsOnThrow: false, state: undefined })
  expect(definition.subscribe.size).toBe(0)
  expect(definition.capabilities.get('rest')).toMatchObject({ version: '1.0.0', input: undefined, cost: undefined })
})

test('refuses definitions that cannot work', () => {
  const capability =
    (more: object, name = 'x'): (() => unknown) =>
    () =>
      defineAgent({ type: 'a', capabilities: { [name]: { handle: () => 1, ...more } } })
  expect(() => defineAgent({ type: 'Not Valid' })).toThrow(TypeError)
  expect(() => defineAgent({ type: 'a'.repeat(129) })).toThrow(TypeError)
  expect(() => defineAgent({ type: 'a', subscribe: ['amcp.domain.x'] })).toThrow(/no onEvent/)
  for (const limit of [0, 1.5, Number.NaN]) {
    expect(() => defineAgent({ type: 'a', mailbox: { limit } })).toThrow(RangeError)
  }
  expect(capability({ version: 'one' })).toThrow(/semantic/)
  expect(capability({ cost: -1 })).toThrow(RangeError)
  expect(capability({ handle: 7 })).toThrow(/no handle/)
  expect(capability({}, 'no good')).toThrow(TypeError)
  expect(capability({}, 'a'.repeat(129))).toThrow(TypeError)
  expect(capability({ version: '1.2.3-rc.1', cost: 0 })).not.toThrow()
})

test('AG-1 the life cycle goes only where the table says', () => {
  const states = ['CREATED', 'INACTIVE', 'ACTIVE', 'FAILED', 'DESTROYED'] as const
  for (const from of states) {
    for (const to of states) {
      const step = (): void => checkTransition('a', from, to)
      if (transitions[from].includes(to)) expect(step).not.toThrow()
      else expect(step).toThrow(expect.objectContaining({ code: 'ERR_AGENT_STATE', details: { agent: 'a', from, to } }))
    }
  }
  expect(transitions.DESTROYED).toEqual([])
})

test('AG-1 state is serialised as JSON and checked when it comes back', () => {
  const definition = defineAgent({ type: 'counter', state: z.object({ seen: z.number() }) })
  const agent = new DefinedAgent('id', definition as never, { seen: 3 })
  const bytes = agent.serializeState()
  agent.state = { seen: 9 }
  agent.deserializeState(bytes)
  expect(agent.state).toEqual({ seen: 3 })
  for (const text of ['{"seen":"x"}', '{', '"\xff']) {
    expect(() => agent.deserializeState(new TextEncoder().encode(text))).toThrow(
      expect.objectContaining({ code: 'ERR_SCHEMA_MISMATCH' }),
    )
  }
  expect(() => agent.deserializeState(Uint8Array.of(0xff))).toThrow(/no JSON/)
  const free = new DefinedAgent('id', defineAgent({ type: 'free' }) as never, {})
  free.deserializeState(new TextEncoder().encode('[1]'))
  expect(free.state).toEqual([1])
  const later = defineAgent({ type: 'later', state: z.object({}).refine(async () => true) })
  expect(() => new DefinedAgent('id', later as never, {}).deserializeState(bytes)).toThrow(/asynchronous/)
  expect(() => free.self).toThrow(/not hosted/)
})
