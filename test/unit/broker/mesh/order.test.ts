import { describe, expect, test } from 'vitest'
import type { FramePlace } from '../../../../src/broker/mesh/frame-place.ts'
import { OrderGate } from '../../../../src/broker/mesh/order.ts'
import { PublisherStreams } from '../../../../src/broker/mesh/received-streams.ts'
import { Counters } from '../../../../src/core/counters.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import type { Frame } from '../../../../src/events/frame/frame-reader.ts'
import type { LinkRecord } from '../../../../src/events/frame/link-envelope.ts'
import type { ReceivedEvent } from '../../../../src/events/frame/received-event.ts'

describe('order of a publisher within a shard', () => {
  const open = () => {
    const clock = new VirtualClock()
    const counters = new Counters()
    const delivered: number[] = []
    const delivery = { isLinked: true }
    const gate = new OrderGate({ clock, counters, deliver: (event) => delivered.push(event.sequenceNumber) })
    const streams = new PublisherStreams(4)
    const incarnation = new Uint8Array(16)
    const frame = { publisher: 'p', header: { incarnation } } as Frame
    const place = (shard: number, sequence: number): FramePlace => ({
      ...{ publisher: 'p', incarnation, firsts: new Map([[shard, sequence]]) },
    })
    const events = (sequences: readonly number[], shard: number) =>
      sequences.map((sequenceNumber) => ({ sequenceNumber, shard }) as ReceivedEvent)
    return {
      ...{ clock, counters, delivered, delivery, gate, streams, frame, place, events },
      direct(previous: number, ...sequences: number[]) {
        const records: LinkRecord[] = [{ kind: 'previous', shard: 1, sequence: previous }]
        gate.offer({ streams, frame, events: events(sequences, 1), n: undefined, records, isLinked: true })
      },
      gossip(n: number, ...sequences: number[]) {
        gate.offer({ streams, frame, events: events(sequences, 1), n, records: [], isLinked: delivery.isLinked })
      },
    }
  }

  test('delivers at once what follows, on either lane', () => {
    const { delivered, direct, gossip, gate } = open()
    direct(-1, 0, 1)
    direct(1, 2)
    gossip(0, 3, 4)
    direct(4, 5)
    expect(delivered).toEqual([0, 1, 2, 3, 4, 5])
    expect(gate.held).toBe(0)
  })

  test('holds a direct frame back until the last gossip frame has come', () => {
    const { delivered, direct, gossip, counters } = open()
    gossip(0, 0)
    direct(2, 3)
    expect(delivered).toEqual([0])
    gossip(1, 1, 2)
    expect(delivered).toEqual([0, 1, 2, 3])
    expect(counters.get('broker.held-back')).toBe(1)
  })

  test('holds a gossip frame back until the direct lane says that nothing more comes there', () => {
    const { delivered, direct, gossip, gate, streams } = open()
    direct(-1, 0)
    gossip(0, 2)
    expect(delivered).toEqual([0])
    direct(0, 1)
    expect(delivered).toEqual([0, 1, 2])
    direct(2, 3)
    gossip(1, 8)
    gate.directDone(streams, 1, 7)
    gate.directDone(streams, 1, 3)
    expect(delivered).toEqual([0, 1, 2, 3, 8])
  })

  test('waits at most 250 ms for what does not come, then drops it when it comes', async () => {
    const { clock, delivered, direct, gossip, counters, gate } = open()
    gossip(0, 0)
    direct(1, 2)
    await clock.advance(249)
    expect(delivered).toEqual([0])
    await clock.advance(1)
    expect(delivered).toEqual([0, 2])
    expect(counters.get('broker.gap')).toBe(1)
    gossip(1, 1)
    expect(delivered).toEqual([0, 2])
    expect(counters.get('broker.duplicate-or-late')).toBe(1)
    expect(gate.held).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('holds a gossip frame back whose predecessor is missing, and lets the earliest go first', async () => {
    const { clock, delivered, gossip } = open()
    gossip(0, 0)
    gossip(3, 6)
    gossip(2, 4)
    expect(delivered).toEqual([0])
    await clock.advance(250)
    expect(delivered).toEqual([0, 4, 6])
  })

  test('does not wait for a direct lane that is not there', () => {
    const { delivered, delivery, gossip } = open()
    delivery.isLinked = false
    gossip(0, 0)
    gossip(1, 5)
    expect(delivered).toEqual([0, 5])
  })

  test('waits for gossip under way also with the first direct frame of a publisher that was not known', () => {
    const { delivered, direct, gossip, gate, streams } = open()
    gate.directDone(streams, 1, 56)
    direct(57, 58)
    expect(delivered).toEqual([])
    gossip(0, 57)
    expect(delivered).toEqual([57, 58])
  })

  test('holds the first frame seen of a gossip chain 100 ms, since it may have overtaken one that is owed', async () => {
    const { clock, delivered, delivery, gossip, counters } = open()
    delivery.isLinked = false
    gossip(5, 9)
    await clock.advance(50)
    gossip(4, 8)
    await clock.advance(49)
    expect(delivered).toEqual([])
    await clock.advance(1)
    expect(delivered).toEqual([8, 9])
    gossip(6, 12)
    expect(delivered).toEqual([8, 9, 12])
    expect(counters.get('broker.gap')).toBe(0)
  })

  test('does not hold the first frame seen of a gossip chain when nothing can be missing before it', () => {
    const { delivered, direct, gossip, gate, streams } = open()
    direct(-1, 0)
    gate.directDone(streams, 1, 0)
    gossip(7, 1)
    expect(delivered).toEqual([0, 1])
  })

  test('lets nothing overtake a frame that waits for its credentials, however long, on either lane', async () => {
    const { clock, delivered, direct, gossip, gate, place, counters } = open()
    const first = place(1, 6)
    gate.reserve(first)
    direct(6, 7)
    gossip(0, 8)
    await clock.advance(1_900)
    expect([delivered, gate.held]).toEqual([[], 2])
    gate.release(first)
    direct(-1, 6)
    gate.settle()
    expect(delivered).toEqual([6, 7, 8])
    expect(counters.get('broker.gap') + counters.get('broker.duplicate-or-late')).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('a reserved place holds back neither what came before it, nor other shards, publishers and starts', () => {
    const { delivered, direct, gate, place, streams, frame, events } = open()
    gate.reserve(place(1, 6))
    gate.reserve({ ...place(1, 0), publisher: 'q' })
    gate.reserve({ ...place(1, 0), incarnation: new Uint8Array(16).fill(1) })
    direct(-1, 4)
    gate.offer({ streams, frame, events: events([9], 2), n: 0, records: [], isLinked: false })
    direct(4, 5, 6)
    expect(delivered).toEqual([4, 9, 5, 6])
  })

  test('what waits behind a frame behind a reserved place is not let go before it', async () => {
    const { clock, delivered, gate, place, streams, frame, events } = open()
    const first = place(1, 0)
    gate.reserve(first)
    const records = (shard: number, sequence: number): LinkRecord => ({ kind: 'previous', shard, sequence })
    const both = [...events([1], 1), ...events([4], 2)]
    const direct = { streams, frame, n: undefined, isLinked: true }
    gate.offer({ ...direct, events: both, records: [records(1, 0), records(2, -1)] })
    gate.offer({ ...direct, events: events([5], 2), records: [records(2, 4)] })
    await clock.advance(1_000)
    expect(delivered).toEqual([])
    gate.release(first)
    gate.offer({ ...direct, events: events([0], 1), records: [] })
    gate.settle()
    expect(delivered).toEqual([0, 1, 4, 5])
  })

  test('what expires first does not go before earlier frames that are here, though they came later', async () => {
    const { clock, delivered, gossip, direct } = open()
    direct(8, 9)
    await clock.advance(100)
    direct(5, 6)
    gossip(4, 3)
    await clock.advance(149)
    expect(delivered).toEqual([])
    await clock.advance(1)
    expect(delivered).toEqual([3, 6, 9])
  })

  test('frames of a dishonest publisher that precede each other go on all the same', async () => {
    const { clock, delivered, gate, streams, frame, events } = open()
    const records: LinkRecord[] = [{ kind: 'previous', shard: 1, sequence: 1 }]
    const direct = { streams, frame, n: undefined, isLinked: true, records }
    gate.offer({ ...direct, events: [...events([5], 1), ...events([3], 2)] })
    gate.offer({ ...direct, events: [...events([4], 1), ...events([6], 2)] })
    await clock.advance(500)
    expect([delivered.length, gate.held]).toEqual([3, 0])
  })

  test('a place reserved later also holds back what is here already; given up, what it held goes on', async () => {
    const { clock, delivered, direct, gate, place, counters } = open()
    direct(-1, 0)
    direct(4, 5)
    const late = place(1, 1)
    gate.reserve(late)
    await clock.advance(400)
    expect(delivered).toEqual([0])
    gate.release(late)
    gate.settle()
    await clock.advance(1)
    expect(delivered).toEqual([0, 5])
    expect(counters.get('broker.gap')).toBe(1)
  })

  test('counts duplicates, whole frames and parts of them', () => {
    const { delivered, direct, counters } = open()
    direct(-1, 0, 1)
    direct(-1, 0, 1, 2)
    expect(delivered).toEqual([0, 1, 2])
    expect(counters.get('broker.duplicate-or-late')).toBe(2)
  })

  test('holds back a bounded number of frames of one publisher', () => {
    const { delivered, gossip, gate } = open()
    gossip(0, 0)
    for (let n = 2; n < 68; n += 1) gossip(n, n)
    expect(delivered.length).toBeGreaterThan(1)
    expect(delivered).toEqual([...delivered].sort((a, b) => a - b))
    expect(gate.held).toBeLessThanOrEqual(64)
  })

  test('an empty frame and records of other kinds change nothing; clear stops the clock', () => {
    const { clock, delivered, gossip, gate, streams, frame } = open()
    gate.offer({ streams, frame, events: [], n: 3, records: [], isLinked: false })
    gate.offer({
      streams,
      frame,
      events: [],
      n: undefined,
      records: [{ kind: 'credit', received: 0, granted: 0 }],
      isLinked: true,
    })
    gossip(0, 0)
    gossip(5, 5)
    gate.clear()
    expect([delivered, gate.held, clock.pending]).toEqual([[0], 0, 0])
  })

  test('a direct frame of several shards waits for all of them', () => {
    const { delivered, gate, streams, gossip, frame } = open()
    gossip(0, 0)
    const records: LinkRecord[] = [
      { kind: 'previous', shard: 1, sequence: 1 },
      { kind: 'previous', shard: 2, sequence: -1 },
    ]
    const events = [
      { sequenceNumber: 2, shard: 1 },
      { sequenceNumber: 0, shard: 2 },
    ] as ReceivedEvent[]
    gate.offer({ streams, frame, events, n: undefined, records, isLinked: true })
    expect(delivered).toEqual([0])
    gossip(1, 1)
    expect(delivered).toEqual([0, 1, 2, 0])
  })
})
