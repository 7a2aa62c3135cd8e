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

describe('back-pressure', () => {
  test('a publisher waits while a receiver takes nothing in, at most a second; then the receiver is slow and told so', async () => {
    world = new World()
    const [one, two, three] = await world.grow(3, { queueBytes: 100_000 })
    for (const node of [two, three]) await world.run(node!.listen('amcp.domain.>'))
    one!.broker.publish(one!.event('amcp.domain.x', 'first'))
    await world.pass(100)
    world.swarm.blackhole(one!.id, two!.id)
    world.swarm.blackhole(two!.id, one!.id)
    const before = world.clock.monotonic()
    let waited = 0
    // More than the credit window of the receiver and the queue in front of it.
    for (const n of range(400)) {
      const room = one!.broker.publish(one!.event('amcp.domain.x', `${n} ${'x'.repeat(30_000)}`))
      if (room === undefined) continue
      waited += 1
      await world.run(room)
    }
    expect(waited).toBeGreaterThan(0)
    expect(one!.broker.slowReceivers).toEqual([two!.id])
    expect(world.clock.monotonic() - before).toBeLessThanOrEqual(1_500)
    expect(one!.count('broker.slow-receiver')).toBe(1)
    await world.pass(200)
    expect(three!.received.length).toBe(401)
    world.swarm.heal()
    await world.pass(2_000)
    expect(one!.broker.slowReceivers).toEqual([])
    const missed = one!.count('broker.dropped-slow')
    expect(missed).toBeGreaterThan(0)
    expect(two!.count('broker.dropped-for-us')).toBe(missed)
    expect(two!.received.length).toBe(401 - missed)
    one!.broker.publish(one!.event('amcp.domain.x', 'again'))
    await world.pass(100)
    expect(data(two!).at(-1)).toBe('again')
  })

  test('a publisher on gossip waits while the neighbours do not keep up', async () => {
    world = new World()
    const [one, two] = await world.grow(2, { lane: 'gossip', readyBytes: 10_000, fullBytes: 100_000 })
    await world.run(two!.listen('amcp.domain.>'))
    await world.pass(2_000)
    const rooms: Promise<void>[] = []
    for (const n of range(100)) {
      const room = one!.broker.publish(one!.event('amcp.domain.x', `${n} ${'x'.repeat(10_000)}`))
      if (room !== undefined) rooms.push(room)
    }
    await world.run(Promise.all(rooms))
    await world.pass(2_000)
    expect(two!.received.length + one!.count('broker.dropped-gossip')).toBe(100)
  })
})

describe('life', () => {
  test('stop sends what was published before, then refuses', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    for (const n of range(300)) one!.broker.publish(one!.event('amcp.domain.x', n))
    await world.run(one!.broker.stop())
    await world.pass(100)
    expect(data(two!)).toEqual(range(300))
    expect(() => one!.broker.publish(one!.event('amcp.domain.x'))).toThrow(
      expect.objectContaining({ code: 'ERR_STOPPED' }),
    )
    expect(one!.count('broker.stop-undrained')).toBe(0)
  })

  test('stop gives up within 10 s when somebody takes nothing in, and counts what was lost', async () => {
    world = new World({ linkTimeout: 60_000 })
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    one!.broker.publish(one!.event('amcp.domain.x', 0))
    await world.pass(100)
    world.swarm.blackhole(one!.id, two!.id)
    world.swarm.blackhole(two!.id, one!.id)
    for (const n of range(250)) one!.broker.publish(one!.event('amcp.domain.x', `${n} ${'x'.repeat(30_000)}`))
    let isStopped = false
    const stopping = one!.broker.stop().then(() => {
      isStopped = true
    })
    await world.pass(9_000)
    expect([isStopped, one!.count('broker.stop-undrained')]).toEqual([false, 0])
    await world.pass(1_000)
    expect([isStopped, one!.count('broker.stop-undrained')]).toEqual([true, 1])
    await stopping
    expect(one!.count('network.streams.broken-off')).toBe(1)
    expect(one!.count('broker.direct.unacknowledged-bytes')).toBeGreaterThan(1_000_000)
    expect(one!.count('broker.direct.unsent-frames')).toBeGreaterThan(0)
  })

  test('stop is given less time by whoever stops more than the broker', async () => {
    world = new World({ linkTimeout: 60_000 })
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    one!.broker.publish(one!.event('amcp.domain.x', 0))
    await world.pass(100)
    world.swarm.blackhole(one!.id, two!.id)
    one!.broker.publish(one!.event('amcp.domain.x', 1))
    let isStopped = false
    const stopping = one!.broker.stop({ by: world.clock.monotonic() + 700 }).then(() => {
      isStopped = true
    })
    await world.pass(400)
    expect(isStopped).toBe(false)
    await world.pass(300)
    expect(isStopped).toBe(true)
    await stopping
  })

  test('stop counts what gossip did not take away in time', async () => {
    world = new World({ linkTimeout: 60_000 })
    const [one, two] = await world.grow(2, { lane: 'gossip' })
    await world.run(two!.listen('amcp.domain.>'))
    await world.pass(2_000)
    world.swarm.blackhole(one!.id, two!.id)
    one!.broker.publish(one!.event('amcp.domain.x', 'x'.repeat(10_000)))
    await world.run(one!.broker.stop())
    expect(one!.count('broker.stop-undrained')).toBe(1)
    expect(one!.count('broker.gossip.unsent-bytes')).toBeGreaterThan(10_000)
    expect(one!.count('broker.gossip.unsent-frames')).toBe(0)
  })

  test('goes on over a new stream when the link is lost and comes back', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    one!.broker.publish(one!.event('amcp.domain.x', 'before'))
    await world.pass(100)
    await world.run(one!.network.disconnect(two!.id))
    await world.pass(100)
    one!.broker.publish(one!.event('amcp.domain.x', 'between'))
    await world.pass(100)
    await world.link(one!, two!)
    await world.pass(3_000)
    one!.broker.publish(one!.event('amcp.domain.x', 'after'))
    await world.pass(3_000)
    expect(data(two!)).toEqual(['before', 'between', 'after'])
    expect(one!.count('broker.direct.open-failed')).toBeGreaterThan(0)
  })

  test('forgets what waits for a context that has left', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    await world.run(one!.network.disconnect(two!.id))
    await world.pass(100)
    one!.broker.publish(one!.event('amcp.domain.x', 'nobody there'))
    await world.pass(10)
    world.mesh.leave(two!.id)
    await world.pass(5_000)
    expect(one!.count('broker.direct.unsent-frames')).toBe(1)
  })

  test('tells the mesh of its patterns once they change, also those from before the start', async () => {
    world = new World()
    const [one] = await world.grow(1)
    await world.run(one!.listen('amcp.domain.a'))
    await world.run(one!.listen('amcp.domain.a'))
    expect(one!.members.announced).toEqual([['amcp.domain.a']])
    await world.run(Promise.all([one!.listen('amcp.domain.c'), one!.listen('amcp.domain.d')]))
    expect(one!.members.announced.slice(1)).toEqual([['amcp.domain.a', 'amcp.domain.c', 'amcp.domain.d']])
    one!.members.announceFails = true
    await world.run(one!.listen('amcp.domain.b'))
    expect(one!.count('broker.announce-failed')).toBe(1)
    await one!.broker.start()
  })

  test('joins the shards that anybody listens to, and leaves them at the end', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.a.>'))
    expect(one!.network.gossip.topics.length).toBe(1)
    await world.run(one!.broker.stop())
    expect(one!.network.gossip.topics).toEqual([])
  })

  test('a restarted publisher is heard, although its sequences begin anew', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    for (const n of range(10)) one!.broker.publish(one!.event('amcp.domain.x', n))
    await world.pass(100)
    const again = await world.node()
    await world.link(again, two!)
    expect(again.broker.publish(again.event('amcp.domain.x', 'new life'))).toBeUndefined()
    await world.pass(1_000)
    expect(data(two!)).toEqual([...range(10), 'new life'])
  })
})
