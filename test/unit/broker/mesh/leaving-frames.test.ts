import { afterEach, describe, expect, test } from 'vitest'
import { DEFAULT_SHARD_COUNT, shardOf } from '../../../../src/events/shard.ts'
import { type Node, World } from '../world.ts'

let world: World
afterEach(() => world.stop())

const TOPIC = 'amcp.domain.x'
const data = (node: Node): unknown[] => node.received.map((event) => event.data)
const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

/** Two members that know of each other; the first listens to the topic, and there is no link yet. */
async function strangers(isLarge = false): Promise<[Node, Node]> {
  world = new World()
  world.mesh.isLarge = isLarge
  const [one, two] = [await world.node({ lane: 'gossip' }), await world.node({ lane: 'gossip' })]
  await world.run(one.listen(TOPIC))
  return [one, two]
}

describe('gossip that nobody hears yet', () => {
  test('waits for the first link, and arrives whole and in order', async () => {
    const [one, two] = await strangers()
    for (const n of range(3)) {
      void two.broker.publish(two.event(TOPIC, n))
      await world.pass(300)
    }
    expect(two.count('broker.gossip.unheard')).toBe(0)
    await world.link(one, two)
    await world.pass(500)
    expect(data(one)).toEqual(range(3))
    expect(two.count('broker.gossip.unheard')).toBe(0)
  })

  test('is sent and counted after 3 s, each frame after its own', async () => {
    const [one, two] = await strangers()
    void two.broker.publish(two.event(TOPIC, 'early'))
    await world.pass(2_000)
    void two.broker.publish(two.event(TOPIC, 'late'))
    await world.pass(990)
    expect(two.count('broker.gossip.unheard')).toBe(0)
    await world.pass(20)
    expect(two.count('broker.gossip.unheard')).toBe(1)
    await world.link(one, two)
    await world.pass(500)
    expect(data(one)).toEqual(['late'])
    expect(two.count('broker.gossip.unheard')).toBe(1)
  })

  test('asks for links to those who pass on a shard that this context does not, in a large mesh', async () => {
    const [one, two] = await strangers(true)
    void two.broker.publish(two.event(TOPIC, 'from outside'))
    void one.broker.publish(one.event(TOPIC, 'from inside'))
    await world.pass(100)
    expect(two.members.sought).toEqual([shardOf(TOPIC)])
    expect(one.members.sought).toEqual([])
    expect(two.network.gossip.topics).toEqual([])
    await world.link(one, two)
    await world.pass(500)
    expect(data(one).sort()).toEqual(['from inside', 'from outside'])
    expect(one.members.isHeld(two.id)).toBe(true)
    expect(one.members.isHeld(two.id)).toBe(false)
  })

  test('waits for somebody who passes it on: one who is about to leave the shard may be linked to nobody', async () => {
    world = new World()
    world.mesh.isLarge = true
    const [one, two, leaving] = [
      await world.node({ lane: 'gossip' }),
      await world.node({ lane: 'gossip' }),
      await world.node({ lane: 'gossip' }),
    ]
    await world.run(one.listen(TOPIC))
    const subscription = await world.run(leaving.broker.subscribe(TOPIC, () => undefined))
    subscription.unsubscribe()
    await world.link(two, leaving)
    const [topic] = leaving.network.gossip.topics
    expect(two.network.gossip.subscribers(topic!)).toEqual([leaving.id])
    void two.broker.publish(two.event(TOPIC, 1))
    await world.pass(500)
    await world.link(one, two)
    await world.pass(500)
    expect(data(one)).toEqual([1])
  })

  test('waits for nobody where no member listens', async () => {
    const [, two] = await strangers()
    void two.broker.publish(two.event('amcp.domain.elsewhere', 1))
    await world.pass(1)
    expect(two.count('broker.gossip.unheard')).toBe(1)
  })

  test('holds back only its own shard', async () => {
    world = new World()
    const [one, two] = await world.grow(2, { lane: 'gossip' })
    await world.run(one!.listen(TOPIC))
    await world.pass(2_000)
    world.mesh.extraShards = range(64)
    const { gossip } = two!.network
    const heard = `/${shardOf(TOPIC, DEFAULT_SHARD_COUNT)}`
    const subscribers = gossip.subscribers.bind(gossip)
    gossip.subscribers = (topic) => (topic.endsWith(heard) ? subscribers(topic) : [])
    void two!.broker.publish(two!.event('amcp.domain.elsewhere.far', 0))
    await world.pass(10)
    void two!.broker.publish(two!.event(TOPIC, 1))
    await world.pass(500)
    expect(data(one!)).toEqual([1])
    expect(two!.count('broker.gossip.unheard')).toBe(0)
  })

  test('makes publishers wait above 1 MiB, until somebody hears', async () => {
    const [one, two] = await strangers()
    const large = 'x'.repeat(200_000)
    let waited: Promise<void> | undefined
    let published = 0
    for (; waited === undefined && published < 20; published += 1) {
      waited = two.broker.publish(two.event(TOPIC, large)) ?? undefined
      await world.pass(1)
    }
    expect(published).toBeGreaterThan(4)
    expect(published).toBeLessThan(9)
    let hasRoom = false
    waited?.then(() => {
      hasRoom = true
    })
    await world.pass(1_000)
    expect(hasRoom).toBe(false)
    await world.link(one, two)
    await world.pass(1_000)
    expect(hasRoom).toBe(true)
    expect(one.received).toHaveLength(published)
  })

  test('is waited for once, however many publishers wait', async () => {
    world = new World()
    const [one, two] = await world.grow(2, { lane: 'gossip', fullBytes: 1_000, readyBytes: 500 })
    await world.run(one!.listen(TOPIC))
    const { gossip } = two!.network
    const released = Promise.withResolvers<void>()
    let waits = 0
    let isFull = true
    Object.defineProperty(gossip, 'backlog', { get: () => (isFull ? 2_000 : 0) })
    gossip.drained = () => {
      waits += 1
      return released.promise
    }
    const large = 'x'.repeat(200)
    const publishers: Promise<unknown>[] = []
    for (let n = 0; n < 1_000; n += 1) publishers.push(Promise.resolve(two!.broker.publish(two!.event(TOPIC, large))))
    await world.pass(10)
    for (let n = 0; n < 1_000; n += 1) publishers.push(Promise.resolve(two!.broker.publish(two!.event(TOPIC, large))))
    await world.pass(10)
    // One for room, one for the batch that goes on filling.
    expect(waits).toBeLessThanOrEqual(2)
    isFull = false
    released.resolve()
    await world.run(Promise.all(publishers))
  })

  test('is drained before a stop: heard at last, or counted', async () => {
    const [one, two] = await strangers()
    void two.broker.publish(two.event(TOPIC, 'last words'))
    const stopping = two.broker.stop()
    await world.link(one, two)
    await world.run(stopping)
    await world.pass(100)
    expect(data(one)).toEqual(['last words'])
  })

  test('is counted when a stop has no time to wait until somebody hears it', async () => {
    const [one, two] = await strangers()
    void two.broker.publish(two.event(TOPIC, 'last words'))
    await world.run(two.broker.stop({ by: world.clock.monotonic() + 500 }))
    expect(two.count('broker.gossip.unsent-frames')).toBe(1)
    expect(two.count('broker.gossip.unsent-bytes')).toBeGreaterThan(0)
    await world.link(one, two)
    await world.pass(5_000)
    expect(data(one)).toEqual([])
  })
})

describe('direct frames before a stop', () => {
  test('are known to be taken in when it resolves, so that the end of the process loses none', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    await world.run(two!.listen(TOPIC))
    void one!.broker.publish(one!.event(TOPIC, 'opens the lane'))
    await world.pass(1_000)
    world.swarm.partition([[one!.id], [two!.id]])
    for (const n of range(2_000)) void one!.broker.publish(one!.event(TOPIC, n))
    let isStopped = false
    const stopping = one!.broker.stop().then(() => {
      isStopped = true
    })
    await world.pass(2_000)
    expect(isStopped).toBe(false)
    world.swarm.heal()
    await world.run(stopping)
    expect(one!.count('broker.direct.unacknowledged-bytes')).toBe(0)
    one!.crash()
    expect(data(two!)).toEqual(['opens the lane', ...range(2_000)])
  })

  test('do not keep a stop whose receiver has gone', async () => {
    world = new World()
    const [one, two] = await world.grow(2)
    await world.run(two!.listen(TOPIC))
    for (const n of range(2_000)) one!.broker.publish(one!.event(TOPIC, n))
    const stopping = one!.broker.stop()
    two!.crash()
    await world.run(stopping)
    expect(one!.count('broker.stop-undrained')).toBe(0)
  })
})
