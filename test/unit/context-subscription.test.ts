import { describe, expect, test } from 'vitest'
import { lonely } from './context-world.ts'

describe('a subscription of a context', () => {
  test('with a handler that fails is over, and keeps nothing from ending', async () => {
    const { context, ports } = lonely()
    await context.start()
    const failed = context.subscribe('amcp.agent.>', () => {})
    await expect(failed.ready).rejects.toMatchObject({ code: 'ERR_TOPIC_RESERVED' })
    failed.unsubscribe()
    await context.stop()
    expect(ports.counters.get('context.handler-threw')).toBe(0)
    expect(() => context.subscribe('amcp.domain.>', () => {}, { limit: 0 })).toThrow(RangeError)
  })

  test('read as a stream, whose pattern is refused, rejects those who read already, and those who read later', async () => {
    const { context } = lonely()
    await context.start()
    const stream = context.subscribe('a..b')
    const reading = expect(stream.next()).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
    await expect(stream.ready).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
    await reading
    await expect(stream.next()).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
    await context.stop()
  })

  test('a reader that waits when the context stops is told that it is over', async () => {
    const { context, clock } = lonely()
    await context.start()
    const stream = context.subscribe('amcp.domain.>')
    await stream.ready
    const reading = stream.next()
    await clock.runFor(context.stop())
    expect(await reading).toEqual({ value: undefined, done: true })
    expect(await stream.next()).toEqual({ value: undefined, done: true })
  })

  test('readers that wait get what comes, each one event, in order', async () => {
    const { context } = lonely()
    await context.start()
    const stream = context.subscribe('amcp.domain.>')
    await stream.ready
    const reading = [stream.next(), stream.next()]
    for (const data of [1, 2]) await context.publish('amcp.domain.x', data)
    expect((await Promise.all(reading)).map(({ value }) => value?.data)).toEqual([1, 2])
    await context.stop()
  })
})
