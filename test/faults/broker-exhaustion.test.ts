import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CreditLink } from '../../src/network/credit-link.ts'
import type { MessageStream } from '../../src/network/network.ts'
import { type Node, World } from '../unit/broker/world.ts'

const TOPIC = 'amcp.domain.hostile'

let world: World
let victim: Node
let villain: Node
let friend: Node

beforeEach(async () => {
  world = new World()
  const nodes = await world.grow(3)
  victim = nodes[0]!
  villain = nodes[1]!
  friend = nodes[2]!
  await world.pass(2_000)
})
afterEach(() => world.stop())

describe('a receiver on the direct lane', () => {
  let grants: MessageStream[] = []
  beforeEach(async () => {
    grants = []
    villain.network.streams.handle('/amcp/direct/1', (stream) => {
      grants.push(stream)
      new CreditLink(stream, villain.ports, { window: 10 })
    })
    await world.run(villain.listen('amcp.>'))
    await world.run(friend.listen('amcp.>'))
    await world.pass(2_000)
  })

  test('that grants less than a frame harms neither the publisher nor the other receivers', async () => {
    for (let n = 0; n < 50; n += 1) {
      victim.broker.publish(victim.event(TOPIC, n))
      await world.pass(20)
    }
    expect(friend.received.map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, n) => n))
    expect(grants.length).toBeLessThan(60)
  })

  test('that opened the stream itself and grants nothing to speak of cannot make the publisher throw', async () => {
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/direct/1'))
    new CreditLink(stream, villain.ports, { window: 10 })
    await world.pass(100)
    for (let n = 0; n < 5; n += 1) {
      victim.broker.publish(victim.event(TOPIC, n))
      await world.pass(20)
    }
    expect(friend.received.map(({ data }) => data)).toEqual([0, 1, 2, 3, 4])
    expect(victim.count('broker.direct.unfit-window')).toBe(5)
    expect(stream.isOpen).toBe(true)
  })
})
