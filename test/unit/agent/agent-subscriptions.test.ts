import { expect, test, vi } from 'vitest'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { AgentSelf } from '../../../src/agent/self.ts'
import { event, type Place, World } from '../calls/world.ts'

async function one(): Promise<{ world: World; place: Place; self: AgentSelf }> {
  const world = new World()
  const place = world.context('here')
  await place.start()
  const selves: AgentSelf[] = []
  await place.registry.spawn(defineAgent({ type: 'one', onActivate: (given) => void selves.push(given) }))
  return { world, place, self: selves[0]! }
}

test('a subscription that failed is gone: the agent does not hold it, and may try again', async () => {
  const { world, place, self } = await one()
  const log: unknown[] = []
  vi.spyOn(place, 'subscribe').mockRejectedValueOnce(new Error('not now'))
  const failed = self.subscribe('amcp.domain.x', ({ data }) => void log.push(`failed ${data}`))
  await expect(failed.ready).rejects.toThrow('not now')
  await self.subscribe('amcp.domain.x', ({ data }) => void log.push(data)).ready
  void world.carry(event('amcp.domain.x', 1))
  await world.clock.advance(0)
  expect(log).toEqual([1])
  // Those that failed take no place either.
  for (let at = 0; at < 1_100; at += 1)
    await expect(self.subscribe('amcp..x', () => {}).ready).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
  failed.unsubscribe()
})

test('an agent has at most 1,024 subscriptions, and one that ended makes room', async () => {
  const { self } = await one()
  const all = Array.from({ length: 1_024 }, () => self.subscribe('amcp.domain.x', () => {}))
  expect(() => self.subscribe('amcp.domain.x', () => {})).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL' }))
  all[0]!.unsubscribe()
  all[0]!.unsubscribe()
  await self.subscribe('amcp.domain.x', () => {}).ready
  expect(() => self.subscribe('amcp.domain.x', () => {})).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL' }))
})
