import { afterEach, describe, expect, test } from 'vitest'
import { type Node, World } from '../world.ts'

let world: World
afterEach(() => world.stop())

const data = (node: Node): unknown[] => node.received.map((event) => event.data)
const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

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

/** A node whose only receiver has fallen silent after the first event. */
async function withSilentReceiver(): Promise<Node> {
  world = new World({ linkTimeout: 60_000 })
  const [one, two] = await world.grow(2)
  await world.run(two!.listen('amcp.domain.>'))
  one!.broker.publish(one!.event('amcp.domain.x', 0))
  await world.pass(100)
  world.swarm.blackhole(one!.id, two!.id)
  world.swarm.blackhole(two!.id, one!.id)
  return one!
}

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
    const one = await withSilentReceiver()
    for (const n of range(250)) void one.broker.publish(one.event('amcp.domain.x', `${n} ${'x'.repeat(30_000)}`))
    let isStopped = false
    const stopping = one.broker.stop().then(() => {
      isStopped = true
    })
    await world.pass(9_000)
    expect([isStopped, one.count('broker.stop-undrained')]).toEqual([false, 0])
    await world.pass(1_000)
    expect([isStopped, one.count('broker.stop-undrained')]).toEqual([true, 1])
    await stopping
    expect(one.count('network.streams.broken-off')).toBe(1)
    expect(one.count('broker.direct.unacknowledged-bytes')).toBeGreaterThan(1_000_000)
    expect(one.count('broker.direct.unsent-frames')).toBeGreaterThan(0)
  })

  test('stop is given less time by whoever stops more than the broker', async () => {
    const one = await withSilentReceiver()
    void one.broker.publish(one.event('amcp.domain.x', 1))
    let isStopped = false
    const stopping = one.broker.stop({ by: world.clock.monotonic() + 700 }).then(() => {
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
