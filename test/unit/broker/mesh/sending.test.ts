import { describe, expect, test } from 'vitest'
import { type Batch, Batcher, type Outlet, type ShardRange } from '../../../../src/broker/mesh/batcher.ts'
import { DroppedRanges } from '../../../../src/broker/mesh/dropped-ranges.ts'
import { FrameRate } from '../../../../src/broker/mesh/frame-rate.ts'
import { SentCredentials } from '../../../../src/broker/mesh/frame-sender.ts'
import { chooseLane } from '../../../../src/broker/mesh/lane-choice.ts'
import { SendQueue } from '../../../../src/broker/mesh/send-queue.ts'
import { Shards } from '../../../../src/broker/mesh/shards.ts'
import { nodeCrypto } from '../../../../src/core/node-crypto.ts'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { topicOfAgent } from '../../../../src/events/topic.ts'
import type { Gossip } from '../../../../src/network/network.ts'
import { eventOf } from '../world.ts'

const crypto = nodeCrypto()

const open = (target = 65_536) => {
  const clock = new VirtualClock()
  const ports = { clock, random: new SeededRandom(3) }
  const batcher = new Batcher(clock, { crypto, target, largest: 300_000 })
  const sent: { to: string; ranges: ShardRange[]; count: number }[] = []
  const outlet = (to: string): Outlet & { isReady: boolean } => ({
    batch: undefined,
    isReady: true,
    isFull: false,
    room: async () => {},
    send(batch: Batch) {
      sent.push({ to, ranges: batch.ranges.map((range) => ({ ...range })), count: batch.writer.count })
      batch.writer.reset()
    },
  })
  const event = (data: unknown = 1) => eventOf(ports, 'amcp://x/y', 'amcp.t', data)
  return { clock, batcher, sent, outlet, event }
}

describe('batcher', () => {
  test('sends what one turn published as one frame, at the end of the turn', async () => {
    const { clock, batcher, sent, outlet, event } = open()
    const route = [outlet('a')]
    for (let n = 0; n < 3; n += 1) batcher.add(route, event(), n, 5, undefined)
    expect(sent).toEqual([])
    expect(batcher.open).toBe(1)
    await clock.advance(0)
    expect(sent).toEqual([{ to: 'a', ranges: [{ shard: 5, first: 0, last: 2 }], count: 3 }])
    expect(batcher.open).toBe(0)
  })

  test('goes on filling while the frame before has not been handed over', async () => {
    const { clock, batcher, sent, outlet, event } = open()
    const one = outlet('a')
    one.isReady = false
    const route = [one]
    batcher.add(route, event(), 0, 5, undefined)
    await clock.advance(0)
    batcher.add(route, event(), 1, 5, undefined)
    await clock.advance(0)
    expect(sent).toEqual([])
    one.isReady = true
    batcher.flush()
    expect(sent.map(({ count }) => count)).toEqual([2])
  })

  test('sends a full frame at once, ready or not', () => {
    const { batcher, sent, outlet, event } = open(4_096)
    const one = outlet('a')
    one.isReady = false
    const route = [one]
    for (let n = 0; n < 8; n += 1) batcher.add(route, event('x'.repeat(1_000)), n, 5, undefined)
    expect(sent.length).toBeGreaterThan(1)
    expect(sent[0]!.ranges[0]!.first).toBe(0)
    batcher.flushAll()
    expect(sent.reduce((sum, { count }) => sum + count, 0)).toBe(8)
  })

  test('keeps the order within a shard when its route changes: the earlier batch leaves first', () => {
    const { batcher, sent, outlet, event } = open()
    const [a, b] = [[outlet('a')], [outlet('b')]]
    batcher.add(a, event(), 0, 5, undefined)
    batcher.add(b, event(), 1, 5, undefined)
    expect(sent.map(({ to }) => to)).toEqual(['a'])
    batcher.add(a, event(), 2, 5, undefined)
    expect(sent.map(({ to }) => to)).toEqual(['a', 'b'])
    batcher.flushAll()
    expect(sent.map(({ ranges }) => ranges[0]!.first)).toEqual([0, 1, 2])
  })

  test('leaves a batch alone that holds nothing of the shard whose route changes', () => {
    const { batcher, sent, outlet, event } = open()
    const [a, b] = [[outlet('a')], [outlet('b')]]
    batcher.add(a, event(), 0, 5, undefined)
    batcher.flushAll()
    batcher.add(a, event(), 0, 6, undefined)
    batcher.add(b, event(), 1, 5, undefined)
    expect(sent.length).toBe(1)
  })

  test('notes the ranges of several shards', () => {
    const { batcher, sent, outlet, event } = open()
    const route = [outlet('a')]
    for (const [sequence, shard] of [
      [7, 1],
      [3, 2],
      [8, 1],
    ] as const)
      batcher.add(route, event(), sequence, shard, undefined)
    batcher.flushAll()
    expect(sent[0]!.ranges).toEqual([
      { shard: 1, first: 7, last: 8 },
      { shard: 2, first: 3, last: 3 },
    ])
  })

  test('takes nothing of an event that cannot be written, and sends no empty frame', async () => {
    const { clock, batcher, sent, outlet, event } = open()
    const route = [outlet('a')]
    expect(() => batcher.add(route, event(1n), 0, 5, undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_EVENT_INVALID' }),
    )
    batcher.flushAll()
    await clock.advance(0)
    expect(sent).toEqual([])
  })

  test('begins a new frame when the tokens to be sent in full would make it large', () => {
    const { batcher, sent, outlet, event } = open()
    const route = [outlet('a')]
    for (let n = 0; n < 40; n += 1) {
      const token = { hash: crypto.sha256(Uint8Array.of(n)).subarray(0, 16), bytes: new Uint8Array(1_000) }
      batcher.add(route, event(), n * 2, 5, token)
      batcher.add(route, event(), n * 2 + 1, 5, token)
    }
    batcher.flushAll()
    expect(sent.map(({ count }) => count)).toEqual([65, 15])
  })
})

describe('lane choice', () => {
  const self = 'me'
  const present = ['a', 'b', 'c']
  const agent = '6f8f5a24-08b1-8f0e-9c1d-2f6b9f1a7c55'
  const members = (audience: readonly string[] | undefined, home?: string) => ({
    self,
    audienceOf: () => audience,
    listenersOf: () => audience ?? present,
    contextOfAgent: () => home,
  })

  test('goes directly to few known listeners and gossips to many or unknown ones', () => {
    const few = ['a', 'b']
    expect(chooseLane('amcp.t', members(few), {})).toBe(few)
    expect(chooseLane('amcp.t', members(few), { directLimit: 1 })).toBe('gossip')
    expect(chooseLane('amcp.t', members(undefined), {})).toBe('gossip')
  })

  test('sends nothing when it is known that nobody listens', () => {
    expect(chooseLane('amcp.t', members([]), {})).toBeUndefined()
  })

  test('can be forced, and then sends directly to those who are known to listen', () => {
    expect(chooseLane('amcp.t', members(['a']), { lane: 'gossip' })).toBe('gossip')
    expect(chooseLane('amcp.t', members(undefined), { lane: 'direct' })).toBe(present)
    expect(chooseLane('amcp.t', members(present), { lane: 'direct', directLimit: 1 })).toBe(present)
    expect(chooseLane('amcp.t', members([]), { lane: 'direct' })).toBeUndefined()
  })

  test('sends what is for one agent directly to its context, on whatever lane the rest goes', () => {
    const topic = topicOfAgent(agent)
    const lane = chooseLane(topic, members(undefined, 'b'), { lane: 'gossip' })
    expect(lane).toEqual(['b'])
    expect(chooseLane(topic, members(undefined, 'b'), {})).toBe(lane)
    expect(chooseLane(topic, members(undefined, self), {})).toBeUndefined()
    expect(() => chooseLane(topic, members(undefined), {})).toThrow(
      expect.objectContaining({ code: 'ERR_AGENT_UNKNOWN', retryable: true }),
    )
  })

  test('remembers a bounded number of contexts that agents live in', () => {
    for (let at = 0; at < 5_000; at += 1)
      expect(chooseLane(topicOfAgent(agent), members(undefined, `c${at}`), {})).toEqual([`c${at}`])
  })
})

describe('shards', () => {
  test('joins what is wanted at once, leaves what is not after a while, and keeps what is wanted again', async () => {
    const calls: string[] = []
    const gossip = {
      subscribe: (topic: string) => calls.push(`+${topic}`),
      unsubscribe: (topic: string) => calls.push(`-${topic}`),
    } as unknown as Gossip
    const clock = new VirtualClock()
    const shards = new Shards(gossip, clock, 'm', 4)
    shards.join(new Set([0, 1, 2, 9]))
    shards.join(new Set([2, 3]))
    expect(calls.splice(0)).toEqual([0, 1, 2, 3].map((shard) => `+amcp/1/m/s/0/${shard}`))
    await clock.advance(30_000)
    shards.join(new Set([1, 2, 3]))
    await clock.advance(40_000)
    expect(calls.splice(0)).toEqual(['-amcp/1/m/s/0/0'])
    expect([...shards.joined]).toEqual([1, 2, 3])
    shards.join(new Set([2, 3]))
    shards.close()
    expect(calls).toEqual([1, 2, 3].map((shard) => `-amcp/1/m/s/0/${shard}`))
    expect(clock.pending).toBe(0)
    expect(shards.shardOfTopic('amcp/1/m/s/0/3')).toBe(3)
    expect(shards.shardOfTopic('amcp/1/other/s/0/3')).toBeUndefined()
    expect(() => shards.topicOf(4)).toThrow(RangeError)
  })
})

describe('what waits for a receiver', () => {
  const message = (size: number) => ({ envelope: new Uint8Array(1), frame: new Uint8Array(size) })

  test('comes out in order, with its bytes counted', () => {
    const queue = new SendQueue()
    expect(queue.first).toBeUndefined()
    queue.shift()
    const messages = Array.from({ length: 3_000 }, (_, at) => message(at % 7))
    for (const one of messages) queue.push(one)
    expect(queue.bytes).toBe(messages.reduce((sum, { frame }) => sum + frame.length + 1, 0))
    for (const one of messages) {
      expect(queue.first).toBe(one)
      queue.shift()
    }
    expect([queue.isEmpty, queue.bytes]).toEqual([true, 0])
  })

  test('is forgotten on request, and how much it was is told', () => {
    const queue = new SendQueue()
    queue.push(message(3))
    queue.push({ envelope: new Uint8Array(2), frame: undefined })
    queue.shift()
    expect(queue.clear()).toBe(1)
    expect([queue.isEmpty, queue.bytes]).toEqual([true, 0])
  })

  test('what was dropped is one range a shard, told once', () => {
    const dropped = new DroppedRanges()
    expect(dropped.isEmpty).toBe(true)
    expect(dropped.add([{ shard: 1, first: 5, last: 6 }])).toBe(2)
    expect(
      dropped.add([
        { shard: 1, first: 7, last: 9 },
        { shard: 2, first: 0, last: 0 },
      ]),
    ).toBe(4)
    expect(dropped.take()).toEqual([
      { shard: 1, first: 5, last: 9 },
      { shard: 2, first: 0, last: 0 },
    ])
    expect(dropped.isEmpty).toBe(true)
  })

  test('credentials sent are remembered up to a bound', () => {
    const sent = new SentCredentials()
    const first = { hash: new Uint8Array(16), bytes: new Uint8Array(1) }
    sent.add(first)
    expect(sent.has(first)).toBe(true)
    for (let at = 0; at < 8_192; at += 1) sent.add({ ...first })
    expect(sent.has(first)).toBe(false)
  })
})

describe('rate of a forwarder', () => {
  test('refuses beyond its burst and recovers with time, each forwarder for itself', async () => {
    const clock = new VirtualClock()
    const rate = new FrameRate(clock, { framesPerSecond: 10, burst: 2 })
    expect([rate.take('a'), rate.take('a'), rate.take('a'), rate.take('b')]).toEqual([true, true, false, true])
    await clock.advance(100)
    expect([rate.take('a'), rate.take('a')]).toEqual([true, false])
  })

  test('forgets forwarders rather than grow', () => {
    const rate = new FrameRate(new VirtualClock(), { burst: 1 })
    rate.take('first')
    for (let at = 0; at < 4_096; at += 1) rate.take(`f${at}`)
    expect(rate.take('first')).toBe(true)
  })
})
