import { expect, test } from 'vitest'
import { AgentOrigins } from '../../../src/membership/agent-origins.ts'
import type { MemberCredentials } from '../../../src/membership/member-credentials.ts'

/** Agents are called `<context>/<name>`; `read` counts how often an origin was read out of one. */
function origins(): { origins: AgentOrigins; read: () => number } {
  let read = 0
  const credentials: MemberCredentials = {
    mesh: 'mesh',
    own: new Uint8Array(),
    sign: (message) => message,
    check: () => {},
    originOfContext: (context) => context.toLowerCase(),
    originOfAgent: (agent) => {
      read += 1
      return agent.split('/')[0]!
    },
  }
  return { origins: new AgentOrigins(credentials), read: () => read }
}

test('an agent is found by the origin in its id, which is read once', () => {
  const { origins: all, read } = origins()
  all.add('A')
  all.add('B')
  expect([all.contextOf('a/one'), all.contextOf('b/one'), all.contextOf('a/one')]).toEqual(['A', 'B', 'A'])
  expect(read()).toBe(2)
})

test('an agent whose context is heard of later is found then', () => {
  const { origins: all } = origins()
  expect(all.contextOf('a/one')).toBeUndefined()
  all.add('A')
  expect(all.contextOf('a/one')).toBe('A')
})

test('a context that is heard of again costs nothing', () => {
  const { origins: all, read } = origins()
  all.add('A')
  all.contextOf('a/one')
  all.add('A')
  all.contextOf('a/one')
  expect(read()).toBe(1)
})

test('contexts beyond the limit make the first ones forgotten, and their agents with them', () => {
  const { origins: all } = origins()
  all.add('A')
  expect(all.contextOf('a/one')).toBe('A')
  for (let n = 0; n < 16_384; n++) all.add(`C${n}`)
  expect(all.contextOf('a/one')).toBeUndefined()
  expect(all.contextOf('c16383/one')).toBe('C16383')
})

test('more agents than are remembered are all found', () => {
  const { origins: all, read } = origins()
  all.add('A')
  for (let n = 0; n <= 16_384; n++) expect(all.contextOf(`a/${n}`)).toBe('A')
  expect(all.contextOf('a/0')).toBe('A')
  expect(read()).toBe(16_386)
})

test('a context that comes anew under an old origin takes over its agents', () => {
  const { origins: all } = origins()
  all.add('A')
  expect(all.contextOf('a/one')).toBe('A')
  all.add('a')
  expect(all.contextOf('a/one')).toBe('a')
})
