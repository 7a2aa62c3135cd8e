import { expect, test } from 'vitest'
import { started } from './started-context.ts'

test('a handler gets what is published, in order, at the end of the turn, until it is unsubscribed', async () => {
  const { context, clock } = await started()
  const log: unknown[] = []
  const subscription = context.subscribe('amcp.domain.>', (event) => void log.push(event.data))
  await subscription.ready
  await context.publish('amcp.domain.x', 1)
  await context.publish('amcp.domain.y', 2, { priority: 9 })
  await context.publish('amcp.domain.x', 3)
  expect(log).toEqual([])
  await clock.advance(0)
  expect(log).toEqual([1, 2, 3])
  subscription.unsubscribe()
  subscription.unsubscribe()
  await context.publish('amcp.domain.x', 4)
  await clock.advance(0)
  expect(log).toEqual([1, 2, 3])
})

test('a handler that waits or throws gets one event at a time, and each throw is counted', async () => {
  const { context, clock, ports } = await started()
  const log: string[] = []
  const gates: (() => void)[] = []
  context.subscribe('amcp.domain.x', async ({ data }) => {
    log.push(`+${data}`)
    await new Promise<void>((resolve) => gates.push(resolve))
    log.push(`-${data}`)
    if (data === 1) throw new Error('later')
  })
  context.subscribe('amcp.domain.x', () => {
    throw new Error('at once')
  })
  await context.publish('amcp.domain.x', 1)
  await context.publish('amcp.domain.x', 2)
  await clock.advance(0)
  expect(log).toEqual(['+1'])
  gates.shift()!()
  await clock.advance(0)
  gates.shift()!()
  await clock.advance(0)
  expect(log).toEqual(['+1', '-1', '+2', '-2'])
  expect(ports.counters.get('context.handler-threw')).toBe(3)
})

test('events can be read with for await; leaving the loop unsubscribes', async () => {
  const { context, clock } = await started()
  const events = context.subscribe('amcp.domain.>')
  await events.ready
  const read = (async () => {
    const seen: unknown[] = []
    for await (const event of events) {
      seen.push([event.subject, event.data])
      if (seen.length === 2) break
    }
    return seen
  })()
  await context.publish('amcp.domain.a', 1)
  await clock.advance(0)
  await context.publish('amcp.domain.b', 2)
  expect(await read).toEqual([
    ['amcp.domain.a', 1],
    ['amcp.domain.b', 2],
  ])
  await context.publish('amcp.domain.c', 3)
  expect(await events.next()).toEqual({ value: undefined, done: true })
})

test('a full queue drops the newest and counts it; what waits is still read after the end', async () => {
  const { context, ports } = await started()
  using events = context.subscribe('amcp.domain.x', { limit: 2 })
  await events.ready
  for (const data of [1, 2, 3]) await context.publish('amcp.domain.x', data)
  expect(events.dropped).toBe(1)
  expect(ports.counters.get('context.subscription-full')).toBe(1)
  events.unsubscribe()
  const rest: unknown[] = []
  for await (const event of events) rest.push(event.data)
  expect(rest).toEqual([1, 2])
  expect(() => context.subscribe('amcp.domain.x', { limit: 0 })).toThrow(RangeError)
})

test('a pattern that cannot be listened to fails `ready`, and the reader', async () => {
  const { context } = await started()
  const handler = context.subscribe('amcp.agent.*', () => {})
  await expect(handler.ready).rejects.toMatchObject({ code: 'ERR_TOPIC_RESERVED' })
  const events = context.subscribe('amcp..x')
  const waiting = events.next()
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
  await expect(events.next()).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
})

test('an event past its expiry is refused, and one that waits beyond it is not handed over', async () => {
  const { context, clock, ports } = await started()
  const lasting = (ms: number) => ({ expirytime: new Date(clock.now() + ms).toISOString() })
  await expect(context.publish('amcp.domain.x', 1, lasting(0))).rejects.toMatchObject({
    code: 'ERR_EVENT_EXPIRED',
    details: { expirytime: expect.any(String) },
  })
  const gate = Promise.withResolvers<void>()
  const [log, read]: unknown[][] = [[], []]
  context.subscribe('amcp.domain.x', async ({ data }) => {
    log!.push(data)
    await gate.promise
  })
  const stream = context.subscribe('amcp.domain.x')
  await context.publish('amcp.domain.x', 'first')
  await context.publish('amcp.domain.x', 'short', lasting(10))
  await context.publish('amcp.domain.x', 'last', lasting(11))
  await clock.advance(10)
  gate.resolve()
  await clock.advance(0)
  for (const _ of [1, 2]) read!.push((await stream.next()).value?.data)
  expect([log, read]).toEqual([
    ['first', 'last'],
    ['first', 'last'],
  ])
  expect(stream.dropped).toBe(1)
  expect(ports.counters.get('context.expired')).toBe(2)
})

test('an asynchronous handler of the context works off what waits within a turn, not one event a turn', async () => {
  const { context, clock } = await started()
  let turns = 0
  const log: number[] = []
  context.subscribe('amcp.domain.x', async () => {
    await undefined
    log.push(turns)
  })
  const count = (): void => {
    turns += 1
    if (turns < 10) clock.endOfTurn(count)
  }
  for (let at = 0; at < 500; at++) await context.publish('amcp.domain.x', at)
  clock.endOfTurn(count)
  await clock.advance(0)
  expect(log).toHaveLength(500)
  expect(log.at(-1)! - log[0]!).toBeLessThanOrEqual(1)
})
