import { afterEach, describe, expect, test } from 'vitest'
import { shardOf } from '../../../../src/events/shard.ts'
import { topicOfAgent } from '../../../../src/events/topic.ts'
import { type Node, World } from '../world.ts'

let world: World
afterEach(() => world.stop())

const data = (node: Node): unknown[] => node.received.map((event) => event.data)
const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

describe('publishing', () => {
  test('serves a local subscriber synchronously, with the very object, and sends nothing when nobody else listens', async () => {
    world = new World()
    const [one] = await world.grow(2)
    await world.run(one!.listen('amcp.domain.a'))
    const event = one!.event('amcp.domain.a', 1)
    expect(one!.broker.publish(event)).toBeUndefined()
    expect(one!.received[0]).toBe(event)
    await world.pass(100)
    expect(one!.count('broker.gossip.unheard')).toBe(0)
  })

  test('reaches few listeners by unsigned direct frames, encoded once, and nobody else', async () => {
    world = new World()
    const [one, two, three, four] = await world.grow(4)
    for (const node of [two, three]) await world.run(node!.listen('amcp.domain.>'))
    for (const n of range(20)) one!.broker.publish(one!.event('amcp.domain.x', n))
    await world.pass(100)
    expect(data(two!)).toEqual(range(20))
    expect(data(three!)).toEqual(range(20))
    expect(four!.received).toEqual([])
    expect(one!.count('broker.refused.signature')).toBe(0)
  })

  test('reaches more listeners than the limit by gossip', async () => {
    world = new World()
    const nodes = await world.grow(4, { directLimit: 2 })
    const [one, ...others] = nodes
    for (const node of others) await world.run(node.listen('amcp.domain.>'))
    await world.pass(2_000)
    for (const n of range(5)) one!.broker.publish(one!.event('amcp.domain.x', n))
    await world.pass(500)
    for (const node of others) expect(data(node)).toEqual(range(5))
  })

  test('gossips while it is not known who listens', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    await world.pass(2_000)
    world.mesh.isKnown = false
    world.mesh.changed()
    one!.broker.publish(one!.event('amcp.domain.x', 'by gossip'))
    await world.pass(500)
    expect(data(two!)).toEqual(['by gossip'])
  })

  test('counts a gossip frame that no neighbour took', async () => {
    world = new World()
    const [one] = await world.grow(1, { lane: 'gossip' })
    one!.broker.publish(one!.event('amcp.domain.x'))
    await world.pass(100)
    expect(one!.count('broker.gossip.unheard')).toBe(1)
  })

  test('reaches one agent at its context, even when gossip is forced, and says when nobody hosts it', async () => {
    world = new World()
    const [one, two] = await world.grow(2, { lane: 'gossip' })
    const topic = topicOfAgent(two!.agent)
    await world.run(two!.listen(topic))
    one!.broker.publish(one!.event(topic, 'for you'))
    await world.pass(100)
    expect(data(two!)).toEqual(['for you'])
    expect(world.mesh.members.get(two!.id)?.patterns).toEqual([])
    const nobody = topicOfAgent('6f8f5a24-08b1-8f0e-9c1d-2f6b9f1a7c55')
    expect(() => one!.broker.publish(one!.event(nobody))).toThrow(
      expect.objectContaining({ code: 'ERR_AGENT_UNKNOWN' }),
    )
  })

  test('refuses an event above 256 KiB, says how to send more, and takes the next one', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    await world.run(one!.listen('amcp.domain.>'))
    // Two more bytes are the quotes of a JSON text, and é has two bytes of its own.
    for (const data of ['x'.repeat(262_143), `${'é'.repeat(131_071)}x`, new Uint8Array(262_145)]) {
      expect(() => one!.broker.publish(one!.event('amcp.domain.x', data))).toThrow(
        expect.objectContaining({
          code: 'ERR_EVENT_TOO_LARGE',
          message: expect.stringContaining('split it into several events, or publish where it can be fetched'),
          details: { size: 262_145, limit: 262_144 },
        }),
      )
    }
    expect(one!.received).toEqual([])
    one!.broker.publish(one!.event('amcp.domain.x', 'x'.repeat(262_142)))
    one!.broker.publish(one!.event('amcp.domain.x', 'é'.repeat(131_071)))
    const raw = { datacontenttype: 'application/octet-stream' }
    one!.broker.publish({ ...one!.event('amcp.domain.x', new Uint8Array(262_144)), ...raw })
    expect(() => one!.broker.publish(one!.event('amcp.domain.x', 1n))).toThrow(
      expect.objectContaining({ code: 'ERR_EVENT_INVALID' }),
    )
    await world.pass(100)
    expect(two!.received.length).toBe(3)
  })

  test('EV-1 refuses what speaks for somebody else, so that no frame of honest events is refused for it', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    for (const node of [one, two]) await world.run(node!.listen('amcp.domain.>'))
    const foreign = [two!.event('amcp.domain.x').source, `amcp://${one!.id}/${two!.agent}`, 'amcp:nobody']
    one!.broker.publish(one!.event('amcp.domain.x', 'before'))
    for (const source of foreign) {
      expect(() => one!.broker.publish({ ...one!.event('amcp.domain.x', 'forged'), source })).toThrow(
        expect.objectContaining({ code: 'ERR_EVENT_INVALID', details: { attribute: 'source', reason: 'foreign' } }),
      )
    }
    one!.broker.publish(one!.event('amcp.domain.x', 'after'))
    await world.pass(100)
    for (const node of [one, two]) expect(data(node!)).toEqual(['before', 'after'])
  })

  test('keeps the order of a publisher while its events change lanes all the time', async () => {
    world = new World({ latency: 5 })
    const [one, two, three] = await world.grow(3, { directLimit: 1 })
    await world.run(two!.listen('amcp.domain.order.>'))
    await world.run(three!.listen('amcp.domain.order.b'))
    await world.pass(2_000)
    const sent: number[] = []
    for (const n of range(200)) {
      // `a` has one listener and goes directly, `b` has two and gossips; both are of one shard.
      one!.broker.publish(one!.event(`amcp.domain.order.${n % 7 < 4 ? 'a' : 'b'}`, n))
      sent.push(n)
      if (n % 5 === 0) await world.pass(n % 3)
    }
    await world.pass(2_000)
    expect(shardOf('amcp.domain.order.a')).toBe(shardOf('amcp.domain.order.b'))
    expect(data(two!)).toEqual(sent)
    expect(data(three!)).toEqual(sent.filter((n) => n % 7 >= 4))
    // Nothing was waited for in vain: the direct lane said what would not come by gossip.
    expect(two!.count('broker.gap')).toBe(0)
    expect(two!.count('broker.held-back')).toBeGreaterThan(0)
  })

  test('says on the direct lane what went to others only, so that gossip is not held back for it', async () => {
    world = new World({ latency: 5 })
    const [one, two, three] = await world.grow(3, { directLimit: 1 })
    await world.run(two!.listen('amcp.domain.order.a'))
    await world.run(two!.listen('amcp.domain.order.b'))
    await world.run(three!.listen('amcp.domain.order.b'))
    await world.run(three!.listen('amcp.domain.order.c'))
    await world.pass(2_000)
    const ends = ['a', 'c', 'b', 'c', 'a', 'c', 'b', 'b', 'c', 'a', 'b']
    for (const [n, end] of ends.entries()) {
      expect(one!.broker.publish(one!.event(`amcp.domain.order.${end}`, n))).toBeUndefined()
      await world.pass(n % 3)
    }
    await world.pass(100)
    const sentTo = (...wanted: string[]): number[] => range(ends.length).filter((n) => wanted.includes(ends[n]!))
    expect(data(two!)).toEqual(sentTo('a', 'b'))
    expect(data(three!)).toEqual(sentTo('b', 'c'))
    expect([two!.count('broker.gap'), three!.count('broker.gap')]).toEqual([0, 0])
  })

  test('says when a stream begins what does not come on it, so that gossip under way is not held back', async () => {
    world = new World({ latency: 2, gossipDelay: 100 })
    const [one, two, three] = await world.grow(3, { directLimit: 1 })
    await world.run(two!.listen('amcp.domain.even.>'))
    one!.broker.publish(one!.event('amcp.domain.even.c', 'for another one'))
    await world.run(three!.listen('amcp.domain.even.a'))
    await world.run(three!.listen('amcp.domain.odd.b'))
    await world.pass(2_000)
    for (const topic of ['amcp.domain.even.a', 'amcp.domain.odd.b']) one!.broker.publish(one!.event(topic, topic))
    await world.pass(105)
    expect(data(three!)).toEqual(['amcp.domain.odd.b', 'amcp.domain.even.a'])
    expect(three!.count('broker.held-back')).toBe(0)
  })

  test('does not let a newcomer be overtaken by what follows on the other lane', async () => {
    world = new World({ latency: 2, gossipDelay: 100 })
    const [one, two, three] = await world.grow(3, { directLimit: 1 })
    await world.run(two!.listen('amcp.domain.order.a'))
    await world.run(three!.listen('amcp.domain.order.a'))
    await world.run(three!.listen('amcp.domain.order.b'))
    await world.pass(2_000)
    for (const [n, end] of ['a', 'b'].entries()) one!.broker.publish(one!.event(`amcp.domain.order.${end}`, n))
    await world.pass(300)
    expect(data(three!)).toEqual([0, 1])
    // Long after, nobody is told to wait for it.
    const late = await world.node()
    await world.link(one!, late)
    await world.run(late.listen('amcp.domain.order.c'))
    await world.pass(1_000)
    one!.broker.publish(one!.event('amcp.domain.order.c', 2))
    await world.pass(100)
    expect(data(late)).toEqual([2])
    expect(late.count('broker.held-back')).toBe(0)
  })

  test('lets gossip wait, at most 250 ms, for the direct lane on which earlier events go', async () => {
    world = new World()
    const [one, two, relay] = [await world.node({ directLimit: 1 }), await world.node(), await world.node()]
    await world.link(one, relay)
    await world.link(two, relay)
    await world.run(two.listen('amcp.domain.wait.>'))
    await world.run(relay.listen('amcp.domain.wait.b'))
    await world.pass(2_000)
    const publish = (end: string, what: string): void =>
      void one.broker.publish(one.event(`amcp.domain.wait.${end}`, what))
    publish('a', 'direct')
    publish('b', 'gossip')
    await world.pass(20)
    expect(data(two)).toEqual([])
    await world.link(one, two)
    await world.pass(500)
    expect(data(two)).toEqual(['direct', 'gossip'])
    await world.run(one.network.disconnect(two.id))
    await world.pass(10)
    publish('a', 'never in time')
    publish('b', 'in the end')
    await world.pass(249)
    expect(data(relay)).toEqual(['gossip'])
    await world.pass(20)
    expect(data(relay)).toEqual(['gossip', 'in the end'])
  })

  test('sends signed frames on the direct lane when told to', async () => {
    world = new World()
    const [one, two, three] = await world.grow(3, { signDirect: true })
    for (const node of [two, three]) await world.run(node!.listen('amcp.domain.>'))
    for (const n of range(3)) {
      one!.broker.publish(one!.event('amcp.domain.x', n))
      await world.pass(10)
    }
    expect(data(two!)).toEqual(range(3))
    expect(data(three!)).toEqual(range(3))
  })

  test('is published by several agents in one frame, each with its own token', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    const { mintAgentId } = await import('../../../../src/identity/agent-id.ts')
    const agents = range(100).map((n) => mintAgentId(world.crypto, one!.identity.key.publicKey, 'test', `${n}`))
    for (const agent of agents)
      one!.broker.publish({ ...one!.event('amcp.domain.x', agent), source: `amcp://${one!.id}/${agent}` })
    await world.pass(200)
    expect(data(two!)).toEqual(agents)
    expect(one!.count('security.tokens-issued')).toBe(100)
  })
})
