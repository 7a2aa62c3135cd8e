import assert from 'node:assert/strict'
import type { BrokerSubscription, EventBroker } from '../broker/event-broker.ts'
import type { AmcpEvent } from '../events/event.ts'

/** Two ends of one broker, which may be the same object: what `publisher` takes reaches who subscribed at `subscriber`. */
export interface OpenBroker extends AsyncDisposable {
  readonly publisher: EventBroker
  readonly subscriber: EventBroker
  /** Makes a valid event from an agent that may publish everything. */
  event(topic: string, data?: unknown): AmcpEvent
  /** Resolves when everything published so far has been delivered, or cannot be any more. */
  settle(): Promise<void>
}

export interface BrokerSuite {
  describe(name: string, body: () => void): void
  test(name: string, body: () => Promise<void>): void
  open(): Promise<OpenBroker>
}

/** What every EventBroker promises for fire-and-forget events, whatever it rests on. */
export function brokerConformance(name: string, { describe, test, open }: BrokerSuite): void {
  describe(`EventBroker: ${name}`, () => {
    test('delivers an event to a subscriber of its topic, with every attribute', async () => {
      await using broker = await open()
      const received: AmcpEvent[] = []
      await broker.subscriber.subscribe('amcp.domain.a.b', (event) => received.push(event))
      const event = { ...broker.event('amcp.domain.a.b', { deep: [1, null, 'ü'] }), correlationid: 'c', priority: 7 }
      await broker.publisher.publish(event)
      await broker.settle()
      assert.equal(received.length, 1)
      const [got] = received
      for (const key of [
        'specversion',
        'id',
        'source',
        'type',
        'subject',
        'time',
        'correlationid',
        'priority',
      ] as const)
        assert.equal(got?.[key], event[key], key)
      assert.deepEqual(got?.data, event.data)
    })

    test('delivers binary data byte for byte', async () => {
      await using broker = await open()
      const received: AmcpEvent[] = []
      await broker.subscriber.subscribe('amcp.domain.bytes', (event) => received.push(event))
      const data = Uint8Array.from({ length: 256 }, (_, at) => at)
      const event = { ...broker.event('amcp.domain.bytes'), datacontenttype: 'application/octet-stream', data }
      await broker.publisher.publish(event)
      await broker.settle()
      assert.deepEqual([...(received[0]!.data as Uint8Array)], [...data])
    })

    test('honours both wildcards', async () => {
      await using broker = await open()
      const one: string[] = []
      const rest: string[] = []
      await broker.subscriber.subscribe('amcp.domain.*.load', (event) => one.push(event.subject))
      await broker.subscriber.subscribe('amcp.domain.x.>', (event) => rest.push(event.subject))
      for (const topic of ['amcp.domain.x.load', 'amcp.domain.y.load', 'amcp.domain.x.load.deep', 'amcp.domain.z'])
        await broker.publisher.publish(broker.event(topic))
      await broker.settle()
      assert.deepEqual(one.sort(), ['amcp.domain.x.load', 'amcp.domain.y.load'])
      assert.deepEqual(rest.sort(), ['amcp.domain.x.load', 'amcp.domain.x.load.deep'])
    })

    test('an event has one delivery number at all subscriptions that it goes to, and no other event has it', async () => {
      await using broker = await open()
      const numbers: number[][] = [[], []]
      for (const [at, pattern] of ['amcp.domain.number.*', 'amcp.domain.number.>'].entries())
        await broker.subscriber.subscribe(pattern, (_event, delivery) => numbers[at]!.push(delivery))
      for (const name of ['a', 'a', 'b']) await broker.publisher.publish(broker.event(`amcp.domain.number.${name}`))
      await broker.settle()
      assert.deepEqual(numbers[0], numbers[1])
      assert.equal(new Set(numbers[0]).size, 3)
      assert.ok(numbers[0]!.every((number) => number > 0))
    })

    test('delivers once to each of several subscribers, overlapping patterns included', async () => {
      await using broker = await open()
      const seen = [0, 0, 0]
      const patterns = ['amcp.domain.o.p', 'amcp.domain.o.*', 'amcp.domain.o.p']
      for (const [at, pattern] of patterns.entries())
        await broker.subscriber.subscribe(pattern, () => {
          seen[at]!++
        })
      await broker.publisher.publish(broker.event('amcp.domain.o.p'))
      await broker.settle()
      assert.deepEqual(seen, [1, 1, 1])
    })

    test('keeps the order of one publisher within a topic', async () => {
      await using broker = await open()
      const received: unknown[] = []
      await broker.subscriber.subscribe('amcp.domain.order.>', (event) => received.push(event.data))
      const sent: number[] = []
      for (let at = 0; at < 500; at++) {
        sent.push(at)
        const full = broker.publisher.publish(broker.event('amcp.domain.order.one', at))
        if (full !== undefined) await full
      }
      await broker.settle()
      assert.deepEqual(received, sent)
    })

    test('delivers nothing any more after unsubscribe, not even what the same event still had to reach', async () => {
      await using broker = await open()
      let received = 0
      let other: BrokerSubscription | undefined
      await broker.subscriber.subscribe('amcp.domain.gone', () => other?.unsubscribe())
      other = await broker.subscriber.subscribe('amcp.domain.gone', () => {
        received++
      })
      await broker.publisher.publish(broker.event('amcp.domain.gone'))
      await broker.settle()
      await broker.publisher.publish(broker.event('amcp.domain.gone'))
      await broker.settle()
      assert.equal(received, 0)
      other.unsubscribe()
    })

    test('one throwing subscriber harms nobody', async () => {
      await using broker = await open()
      let received = 0
      await broker.subscriber.subscribe('amcp.domain.throw', () => {
        throw new Error('a subscriber must not, but does')
      })
      await broker.subscriber.subscribe('amcp.domain.throw', () => {
        received++
      })
      await broker.publisher.publish(broker.event('amcp.domain.throw'))
      await broker.publisher.publish(broker.event('amcp.domain.throw'))
      await broker.settle()
      assert.equal(received, 2)
    })

    test('an event that nobody listens to is taken and forgotten', async () => {
      await using broker = await open()
      assert.equal(await broker.publisher.publish(broker.event('amcp.domain.nobody')), undefined)
      await broker.settle()
    })

    test('start and stop are idempotent, and a stopped broker says ERR_STOPPED', async () => {
      await using broker = await open()
      await broker.publisher.start()
      await broker.publisher.stop()
      await broker.publisher.stop()
      assert.throws(() => broker.publisher.publish(broker.event('amcp.domain.late')), { code: 'ERR_STOPPED' })
      await assert.rejects(
        broker.publisher.subscribe('amcp.domain.late', () => {}),
        { code: 'ERR_STOPPED' },
      )
    })
  })
}
