import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeSync, encodeSync, type SyncMessage } from '../../../../src/broker/mesh/sync-messages.ts'
import { SYNC_PROTOCOL, SyncStreams } from '../../../../src/broker/mesh/sync-streams.ts'
import { AmcpError } from '../../../../src/core/errors.ts'
import type { MessageStream } from '../../../../src/network/network.ts'
import { type Node, World } from '../world.ts'

let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world.stop())

const want: SyncMessage = { kind: 'want', hashes: [new Uint8Array(16)] }

/** A stream that takes what it is given, with switches. */
function fakeStream(peer: string) {
  const sent: Uint8Array[] = []
  const stream = {
    peer,
    protocol: SYNC_PROTOCOL,
    sent,
    buffered: 0,
    isOpen: true,
    aborted: undefined as Error | undefined,
    end: () => {},
    message: (_: Uint8Array) => {},
    send: (...parts: Uint8Array[]) => {
      sent.push(...parts)
      return true
    },
    drained: async () => {},
    onMessage: (listener: (message: Uint8Array) => void) => {
      stream.message = listener
    },
    onClose: (listener: () => void) => {
      stream.end = listener
    },
    close: async () => {
      stream.isOpen = false
    },
    abort: (reason: Error) => {
      stream.aborted = reason
      stream.isOpen = false
    },
  }
  return stream
}

describe('streams of /amcp/sync/1', () => {
  const open = (opening: () => Promise<MessageStream>) => {
    let accept: (stream: MessageStream) => void = () => {}
    const received: SyncMessage[] = []
    const { ports } = world.nodes[0]!
    const network = {
      streams: {
        open: opening,
        handle: (_: string, handler: (stream: MessageStream) => void) => {
          accept = handler
        },
      },
    }
    const streams = new SyncStreams({ ports, network: network as never }, (_, message) => received.push(message))
    return { streams, received, accept: (stream: MessageStream) => accept(stream), count: world.nodes[0]!.count }
  }
  beforeEach(async () => {
    await world.node()
  })

  test('open once, and send what waited meanwhile in order', async () => {
    const stream = fakeStream('p')
    let opened = 0
    const { streams } = open(async () => {
      opened += 1
      return stream
    })
    for (let at = 0; at < 3; at += 1) streams.send('p', { kind: 'push', shard: at, frame: new Uint8Array(1) })
    await world.pass(1)
    streams.send('p', want)
    expect(opened).toBe(1)
    expect(stream.sent.map((bytes) => decodeSync(bytes).kind)).toEqual(['push', 'push', 'push', 'want'])
    await streams.stop(world.clock.monotonic() + 1_000)
    expect(stream.isOpen).toBe(false)
    streams.send('p', want)
    expect(stream.sent.length).toBe(4)
  })

  test('count what cannot be sent: no stream, too much waiting, a full or closed one', async () => {
    const failing = open(async () => {
      throw new AmcpError('ERR_NOT_CONNECTED', 'no link')
    })
    for (let at = 0; at < 70; at += 1) failing.streams.send('p', want)
    expect(failing.count('broker.sync-dropped')).toBe(6)
    await world.pass(1)
    expect(failing.count('broker.sync-failed')).toBe(1)
    const stream = fakeStream('p')
    const full = open(async () => stream)
    stream.buffered = 5_000_000
    full.streams.send('p', want)
    await world.pass(1)
    expect(full.count('broker.sync-dropped')).toBe(7)
    expect(stream.sent).toEqual([])
  })

  test('a stream that breaks before it says so is given up, and the next message opens another', async () => {
    const broken = fakeStream('p')
    const streams = [broken, fakeStream('p')]
    const some = open(async () => streams.shift()!)
    some.streams.send('p', want)
    await world.pass(1)
    broken.send = () => {
      throw new AmcpError('ERR_STREAM_CLOSED', 'closed')
    }
    const [next] = streams
    some.streams.send('p', want)
    expect(broken.isOpen).toBe(false)
    expect(some.count('broker.sync-failed')).toBe(1)
    some.streams.send('p', want)
    await world.pass(1)
    expect(next!.sent).toHaveLength(1)
  })

  test('a stream that its other end does not let close is broken off and counted', async () => {
    const stream = fakeStream('p')
    stream.close = () => new Promise(() => {})
    const { streams, count } = open(async () => stream)
    streams.send('p', want)
    await world.pass(1)
    const stopping = streams.stop(world.clock.monotonic() + 200)
    await world.pass(199)
    expect(stream.aborted).toBeUndefined()
    await world.pass(1)
    await stopping
    expect(stream.aborted).toMatchObject({ code: 'ERR_STREAM_CLOSED' })
    expect(count('network.streams.broken-off')).toBe(1)
  })

  test('a stream that opened or was accepted too late is aborted', async () => {
    const stream = fakeStream('p')
    let resolve: (stream: MessageStream) => void = () => {}
    const { streams, accept } = open(
      () =>
        new Promise((done) => {
          resolve = done
        }),
    )
    streams.send('p', want)
    await streams.stop(world.clock.monotonic() + 1_000)
    resolve(stream)
    await world.pass(1)
    expect(stream.aborted).toMatchObject({ code: 'ERR_STOPPED' })
    const late = fakeStream('q')
    accept(late)
    expect(late.aborted).toMatchObject({ code: 'ERR_STOPPED' })
  })

  test('an accepted stream is used to answer, and forgotten when it ends', async () => {
    const fresh = fakeStream('p')
    const { streams, accept, received } = open(async () => fresh)
    const stream = fakeStream('p')
    accept(stream)
    stream.message(encodeSync(want))
    expect(received).toEqual([want])
    streams.send('p', want)
    expect(stream.sent.length).toBe(1)
    const second = fakeStream('p')
    accept(second)
    second.end()
    streams.send('p', want)
    expect(stream.sent.length).toBe(2)
    stream.end()
    streams.send('p', want)
    await world.pass(1)
    expect(fresh.sent.length).toBe(1)
  })
})

describe('direct lanes', () => {
  const data = (node: Node) => node.received.map((event) => event.data)

  test.each([
    ['unsigned', false],
    ['signed, in the same chain', true],
  ])('of contexts that have left are forgotten, and made anew when they come back: %s', async (_, signDirect) => {
    const [one, two] = await world.grow(2, { signDirect })
    await world.run(two!.listen('amcp.domain.>'))
    expect(one!.broker.publish(one!.event('amcp.domain.x', 1))).toBeUndefined()
    await world.pass(100)
    await world.run(one!.network.disconnect(two!.id))
    await world.pass(100)
    const entry = world.mesh.members.get(two!.id)!
    world.mesh.leave(two!.id)
    await world.pass(100)
    world.mesh.members.set(two!.id, entry)
    world.mesh.changed()
    await world.link(one!, two!)
    expect(one!.broker.publish(one!.event('amcp.domain.x', 2))).toBeUndefined()
    await world.pass(1_000)
    expect(data(two!)).toEqual([1, 2])
  })

  test('are used both ways, whoever opened them', async () => {
    const [one, two] = await world.grow(2)
    await world.run(one!.listen('amcp.domain.>'))
    await world.run(two!.listen('amcp.domain.>'))
    await one!.broker.publish(one!.event('amcp.domain.x', 'there'))
    await world.pass(100)
    await two!.broker.publish(two!.event('amcp.domain.x', 'and back'))
    await world.pass(100)
    expect(data(one!)).toEqual(['there', 'and back'])
    expect(data(two!)).toEqual(['there', 'and back'])
  })

  test('may be opened by both ends at once', async () => {
    const [one, two] = await world.grow(2)
    await world.run(one!.listen('amcp.domain.>'))
    await world.run(two!.listen('amcp.domain.>'))
    await Promise.all([one, two].map((node) => node!.broker.publish(node!.event('amcp.domain.x', node!.id))))
    await world.pass(500)
    expect(data(one!).sort()).toEqual([one!.id, two!.id].sort())
    expect(data(two!).sort()).toEqual([one!.id, two!.id].sort())
  })

  test('bring a receiver that was started again all credentials, also in frames made before the stream stood', async () => {
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    for (const n of [-1, 0]) {
      await one!.broker.publish(one!.event('amcp.domain.x', n))
      await world.pass(100)
    }
    two!.crash()
    await world.pass(100)
    const again = await two!.restart()
    await world.run(again.listen('amcp.domain.>'))
    for (const n of [1, 2]) {
      await one!.broker.publish(one!.event('amcp.domain.x', n))
      await world.pass(10)
    }
    await world.link(one!, again)
    await world.pass(1_000)
    expect(data(again)).toEqual([1, 2])
    expect(again.count('broker.parked')).toBe(0)
  })

  test('keep their order when a frame must wait for credentials that were lost with the stream before', async () => {
    const [one, two] = await world.grow(2)
    await world.run(one!.listen('amcp.domain.back'))
    await two!.broker.publish(two!.event('amcp.domain.back'))
    await world.pass(100)
    await world.run(two!.listen('amcp.domain.>'))
    world.swarm.blackhole(one!.id, two!.id)
    // The first frames, and the token with them, are handed over and lost; those that found no room are sent anew.
    const size = 30_000
    const lost = 60
    for (let n = 0; n <= lost; n += 1) {
      await one!.broker.publish(one!.event('amcp.domain.x', `${n}`.padEnd(size)))
      await world.pass(1)
    }
    await world.pass(20_000)
    world.swarm.heal()
    await one!.broker.publish(one!.event('amcp.domain.x', 'with a token'))
    await world.link(one!, two!)
    await world.pass(5_000)
    expect(two!.count('broker.parked')).toBeGreaterThan(0)
    expect(two!.count('broker.duplicate-or-late')).toBe(0)
    const arrived = data(two!)
    const first = Number(arrived[0])
    expect(first).toBeGreaterThan(0)
    expect(arrived.slice(0, -1).map(Number)).toEqual(Array.from({ length: lost + 1 - first }, (_, at) => first + at))
    expect(arrived.at(-1)).toBe('with a token')
  })

  test('a stream that ended before it was taken over is no way: another is opened for what waits', async () => {
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    const { streams } = one!.network
    const open = streams.open.bind(streams)
    let opened = 0
    streams.open = async (...args) => {
      const stream = await open(...args)
      if (++opened === 1) stream.abort(new Error('ended at once'))
      return stream
    }
    await one!.broker.publish(one!.event('amcp.domain.x', 'waits'))
    await world.pass(1_000)
    expect(opened).toBe(2)
    expect(data(two!)).toEqual(['waits'])
  })

  test('a receiver whose second is spent is slow at once the next time', async () => {
    const [one, two] = await world.grow(2, { queueBytes: 50_000, maxWaitMs: 100, signDirect: true })
    await world.run(two!.listen('amcp.domain.>'))
    for (let round = 0; round < 4; round += 1) {
      await one!.broker.publish(one!.event('amcp.domain.x', 'hello'))
      await world.pass(100)
      world.swarm.blackhole(one!.id, two!.id)
      world.swarm.blackhole(two!.id, one!.id)
      const before = world.clock.monotonic()
      for (let n = 0; n < 300; n += 1) {
        const room = one!.broker.publish(one!.event('amcp.domain.x', 'x'.repeat(30_000)))
        if (room !== undefined) await world.run(room)
      }
      const waited = world.clock.monotonic() - before
      expect(waited).toBeLessThan(round === 0 ? 400 : 100)
      expect(one!.broker.slowReceivers).toEqual([two!.id])
      world.swarm.heal()
      await world.pass(3_000)
      expect(one!.broker.slowReceivers).toEqual([])
    }
    expect(one!.count('broker.slow-receiver')).toBe(4)
  })

  test('a receiver whose frames were dropped gets the credentials that they carried again, once it has caught up', async () => {
    const [one, two] = await world.grow(2, { queueBytes: 50_000, maxWaitMs: 100 })
    await world.run(two!.listen('amcp.domain.>'))
    await one!.broker.publish(one!.event('amcp.domain.x', 'hello'))
    await world.pass(148_000)
    world.swarm.blackhole(one!.id, two!.id)
    world.swarm.blackhole(two!.id, one!.id)
    for (let n = 0; n < 300; n += 1) {
      const room = one!.broker.publish(one!.event('amcp.domain.x', 'x'.repeat(30_000)))
      if (room !== undefined) await world.run(room)
    }
    expect(one!.broker.slowReceivers).toEqual([two!.id])
    // The token is renewed while the receiver is slow, and the first frame with the new one is dropped.
    await world.pass(3_000)
    one!.broker.publish(one!.event('amcp.domain.x', 'dropped'))
    await world.pass(100)
    world.swarm.heal()
    await world.pass(3_000)
    one!.broker.publish(one!.event('amcp.domain.x', 'after'))
    await world.pass(100)
    expect(data(two!).at(-1)).toBe('after')
    expect(two!.count('broker.parked')).toBe(0)
  })

  test('a publisher that does not wait loses what is beyond twice the queue, counted', async () => {
    const [one, two] = await world.grow(2, { queueBytes: 100_000 })
    await world.run(two!.listen('amcp.domain.>'))
    await one!.broker.publish(one!.event('amcp.domain.x', 0))
    await world.pass(100)
    world.swarm.blackhole(one!.id, two!.id)
    world.swarm.blackhole(two!.id, one!.id)
    const rooms: unknown[] = []
    for (let n = 0; n < 300; n += 1) rooms.push(one!.broker.publish(one!.event('amcp.domain.x', 'x'.repeat(30_000))))
    expect(one!.count('broker.dropped-slow')).toBeGreaterThan(0)
    expect(rooms.some((room) => room !== undefined)).toBe(true)
    world.swarm.heal()
    await world.pass(3_000)
    expect(two!.received.length + one!.count('broker.dropped-slow')).toBe(301)
    expect(two!.count('broker.dropped-for-us')).toBe(one!.count('broker.dropped-slow'))
  })
})

describe('gossip', () => {
  test('drops, counted, what is published against a backlog that nobody waited for', async () => {
    const [one, two] = await world.grow(2, { lane: 'gossip', readyBytes: 1_000, fullBytes: 20_000 })
    await world.run(two!.listen('amcp.domain.>'))
    await world.pass(2_000)
    world.swarm.set({ bandwidth: 10 })
    const rooms: unknown[] = []
    for (let n = 0; n < 100; n += 1) rooms.push(one!.broker.publish(one!.event('amcp.domain.x', 'x'.repeat(10_000))))
    await world.pass(60_000)
    expect(two!.received.length + one!.count('broker.dropped-gossip')).toBe(100)
  })

  test('of another mesh is ignored', async () => {
    const [one, two] = await world.grow(2)
    for (const node of [one!, two!]) node.network.gossip.subscribe('amcp/1/another/s/0/0')
    await world.pass(2_000)
    one!.network.gossip.publish('amcp/1/another/s/0/0', new Uint8Array(10))
    await world.pass(100)
    expect(two!.count('broker.refused.topic')).toBe(1)
  })

  test('is ignored, as are streams, once the broker is stopped', async () => {
    const [one, two] = await world.grow(2)
    await world.run(two!.listen('amcp.domain.>'))
    await one!.broker.publish(one!.event('amcp.domain.x', 1))
    await world.pass(100)
    const [topic] = two!.network.gossip.topics as [string]
    await world.run(two!.broker.stop())
    two!.network.gossip.subscribe(topic)
    one!.network.gossip.subscribe(topic)
    await world.pass(2_000)
    one!.network.gossip.publish(topic, new Uint8Array(10))
    await one!.broker.publish(one!.event('amcp.domain.x', 2))
    await world.pass(1_000)
    expect(two!.received.length).toBe(1)
    expect(two!.count('broker.refused.structure')).toBe(0)
  })
})
