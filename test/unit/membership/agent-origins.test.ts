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

test('a context that has gone is remembered, until too many others have gone after it', () => {
  const { origins: all } = origins()
  all.add('A')
  all.leave('A')
  expect(all.contextOf('a/one')).toBe('A')
  for (let n = 0; n < 16_384; n++) {
    all.add(`C${n}`)
    all.leave(`C${n}`)
  }
  expect(all.contextOf('a/one')).toBeUndefined()
  expect(all.contextOf('c16383/one')).toBe('C16383')
})

test('a member is not forgotten, however many come and go after it, and counts as gone last when it came back', () => {
  const { origins: all } = origins()
  all.add('A')
  all.add('B')
  all.leave('B')
  for (let n = 0; n < 10_000; n++) all.add(`C${n}`)
  for (let n = 0; n < 10_000; n++) all.leave(`C${n}`)
  all.add('B')
  all.leave('B')
  for (let n = 10_000; n < 20_000; n++) all.add(`C${n}`)
  for (let n = 10_000; n < 20_000; n++) all.leave(`C${n}`)
  expect([all.contextOf('a/one'), all.contextOf('b/one')]).toEqual(['A', 'B'])
  expect(all.contextOf('c0/one')).toBeUndefined()
})

test('agents are a member’s own, or not, and nobody’s after it left', () => {
  const { origins: all } = origins()
  all.add('A')
  all.add('B')
  expect([all.isOf('a/one', 'A'), all.isOf('b/one', 'A'), all.isOf('c/one', 'A')]).toEqual([true, false, false])
  all.leave('A')
  all.leave('nobody')
  expect(all.isOf('a/one', 'A')).toBe(false)
})

test('agents asked for in turn are read once, also when there are many, and all are found when there are more than that', () => {
  const { origins: all, read } = origins()
  all.add('A')
  const askAll = (count: number): void => {
    for (let n = 0; n < count; n++) if (all.contextOf(`a/${n}`) !== 'A') expect.unreachable()
  }
  askAll(64_000)
  askAll(64_000)
  expect(read()).toBe(64_000)
  askAll(140_000)
  expect(read()).toBe(140_000)
  askAll(1)
  expect(read()).toBe(140_001)
})

test('a context that comes anew under an old origin takes over its agents', () => {
  const { origins: all } = origins()
  all.add('A')
  expect(all.contextOf('a/one')).toBe('A')
  all.add('a')
  expect(all.contextOf('a/one')).toBe('a')
})

test('a context whose origin another has taken over takes nothing with it when it leaves', () => {
  const { origins: all } = origins()
  all.add('A')
  all.add('a')
  all.leave('A')
  expect(all.contextOf('a/one')).toBe('a')
  all.leave('a')
  all.add('A')
  expect(all.contextOf('a/one')).toBe('A')
})
