import { describe, expect, test } from 'vitest'
import type { AgentStatus } from '../../../src/agent/agent.ts'
import type { HostedAgent } from '../../../src/agent/hosted-agent.ts'
import { Providers } from '../../../src/agent/providers.ts'

const agent = (id: string, status: AgentStatus = 'ACTIVE'): HostedAgent => ({ id, status }) as HostedAgent

describe('providers of a capability', () => {
  test('take turns, and those that are not ACTIVE are passed over', () => {
    const providers = new Providers()
    const [a, b, c] = [agent('a'), agent('b', 'INACTIVE'), agent('c')]
    for (const one of [a, b, c]) providers.add('x', one)
    expect([1, 2, 3, 4].map(() => providers.next('x')?.id)).toEqual(['a', 'c', 'a', 'c'])
  })

  test('are none when nobody ever was, when all have gone, and when none is ACTIVE', () => {
    const providers = new Providers()
    const [a, b] = [agent('a'), agent('b', 'FAILED')]
    expect(providers.next('x')).toBeUndefined()
    providers.remove('x', a)
    expect(providers.next('x')).toBeUndefined()
    providers.add('x', b)
    expect(providers.next('x')).toBeUndefined()
    providers.add('x', a)
    expect(providers.next('x')).toBe(a)
    providers.remove('x', a)
    providers.remove('x', b)
    providers.remove('x', b)
    expect(providers.next('x')).toBeUndefined()
  })

  test('go on in turn when one of them leaves', () => {
    const providers = new Providers()
    const [a, b, c] = [agent('a'), agent('b'), agent('c')]
    for (const one of [a, b, c]) providers.add('x', one)
    providers.next('x')
    providers.next('x')
    providers.next('x')
    providers.remove('x', c)
    expect(providers.next('x')).toBe(a)
    expect(providers.next('x')).toBe(b)
  })
})
