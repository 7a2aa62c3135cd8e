import { expect, test } from 'vitest'
import { SharedSubscriptions } from '../../../src/agent/shared-subscriptions.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { event, World } from '../calls/world.ts'

const recorder = (): { log: AmcpEvent[]; receive(event: AmcpEvent): void } => {
  const log: AmcpEvent[] = []
  return { log, receive: (got) => void log.push(got) }
}

test('one spelling of a pattern and its alias share a subscription, which ends with its last listener', async () => {
  const world = new World()
  const place = world.context('here')
  const shared = new SharedSubscriptions(place)
  const [one, other] = [recorder(), recorder()]
  await shared.add('amcp.domain.**', one)
  await shared.add('amcp.domain.>', other)
  expect([...place.patterns.keys()]).toEqual(['amcp.domain.>'])
  void world.carry(event('amcp.domain.x'))
  shared.remove('amcp.domain.**', one)
  shared.remove('amcp.domain.**', one)
  shared.remove('amcp.domain.y', one)
  void world.carry(event('amcp.domain.x'))
  shared.remove('amcp.domain.>', other)
  await Promise.resolve()
  void world.carry(event('amcp.domain.x'))
  expect([one.log.length, other.log.length]).toEqual([1, 2])
})

test('a subscription that fails is not kept, unless another took its place', async () => {
  const fault = new Error('no')
  const outcomes = [Promise.reject(fault), Promise.resolve({ pattern: 'amcp.domain.x', unsubscribe: () => {} })]
  const broker = {
    subscribe: () => outcomes.shift()!,
    publish: () => undefined,
    start: async () => {},
    stop: async () => {},
  }
  const shared = new SharedSubscriptions(broker)
  const listener = recorder()
  const failing = shared.add('amcp.domain.x', listener)
  shared.remove('amcp.domain.x', listener)
  const working = shared.add('amcp.domain.x', listener)
  await expect(failing).rejects.toBe(fault)
  await working
  expect(outcomes).toEqual([])
  for (const pattern of ['amcp.agent', 'amcp.agent.x']) {
    await expect(shared.add(pattern, listener)).rejects.toMatchObject({ code: 'ERR_TOPIC_RESERVED' })
  }
})

test('after close nothing comes in and nothing is taken', async () => {
  const world = new World()
  const place = world.context('here')
  const shared = new SharedSubscriptions(place)
  const listener = recorder()
  await shared.add('amcp.domain.x', listener)
  shared.close()
  await Promise.resolve()
  void world.carry(event('amcp.domain.x'))
  expect(listener.log).toEqual([])
  shared.remove('amcp.domain.x', listener)
  await expect(shared.add('amcp.domain.x', listener)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
})
