import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { AgentSelf } from '../../../src/agent/self.ts'
import type { Logger } from '../../../src/core/logger.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { type Lonely, lonely } from '../context-world.ts'
import { arrived, unreadable } from '../events/frame/arrived.ts'

interface Line {
  readonly path?: unknown
  readonly topic?: unknown
}

interface Started extends Lonely {
  readonly lines: Line[]
  count(name: string): number
  /** As if they came from another context, one after the other. */
  arrive(...events: readonly AmcpEvent[]): Promise<void>
}

async function started(schemas: Parameters<typeof lonely>[0] = {}): Promise<Started> {
  const lines: Line[] = []
  const none = (): void => {}
  const logger: Logger = { debug: none, info: none, error: none, warn: (line: object) => void lines.push(line) }
  const world = lonely(schemas, logger)
  await world.context.start()
  const arrive = async (...events: readonly AmcpEvent[]): Promise<void> => {
    for (const event of events) void world.broker.publish(event)
    await world.clock.advance(0)
  }
  return { ...world, lines, arrive, count: (name) => world.ports.counters.get(name) }
}

const TOPIC = 'amcp.domain.x'
const good = (data: unknown): AmcpEvent => arrived(TOPIC, data)[0]!

test.each(['goOn', 'fail'] as const)(
  'data that is no JSON is no fault of an agent that does “%s”, however it reads',
  async (onThrow) => {
    const { context, arrive, count, lines } = await started()
    const [log, late, own, wrapped]: unknown[][] = [[], [], [], []]
    let begun = 0
    const agents = [
      defineAgent({ type: 'plain', onThrow, subscribe: ['amcp.>'], onEvent: ({ data }) => void log!.push(data) }),
      defineAgent({
        type: 'late',
        onThrow,
        subscribe: ['amcp.>'],
        async onEvent(event) {
          begun += 1
          await undefined
          late!.push(event.data)
        },
      }),
      defineAgent({
        type: 'own',
        onThrow,
        onActivate: (self) => void self.subscribe(TOPIC, ({ data }) => void own!.push(data)),
      }),
      defineAgent({
        type: 'wrapping',
        onThrow,
        subscribe: ['amcp.>'],
        onEvent(event) {
          try {
            wrapped!.push(event.data)
          } catch (cause) {
            throw new Error('I cannot read this', { cause })
          }
        },
      }),
    ]
    const spawned = await Promise.all(agents.map((definition) => context.spawn(definition)))
    await arrive(good(1), unreadable(TOPIC), good(2))
    // Who fails by a throw is not even asked, so that nothing of his is left half done.
    expect(begun).toBe(onThrow === 'fail' ? 2 : 3)
    for (const got of [log, late, own, wrapped]) expect(got).toEqual([1, 2])
    for (const agent of spawned) expect(agent).toMatchObject({ status: 'ACTIVE', failures: 0, dropped: 1, handled: 2 })
    expect([count('agents.data-unreadable'), count('agents.handler-threw')]).toEqual([4, 0])
    expect(lines[0]).toMatchObject({ topic: TOPIC, err: { code: 'ERR_EVENT_INVALID' } })
  },
)

test('a timer that reads what cannot be read is not blamed either, nor any other throw excused', async () => {
  const { context, clock, arrive, count } = await started()
  const kept: AmcpEvent[] = []
  const [agent, bad] = await Promise.all([
    context.spawn(
      defineAgent({
        type: 'later',
        subscribe: ['amcp.>'],
        onEvent: (event, self) => {
          kept.push(event)
          self.after(10, () => void kept.map(({ data }) => data))
        },
      }),
    ),
    context.spawn(
      defineAgent({
        type: 'bad',
        subscribe: ['amcp.>'],
        onEvent(event, self) {
          return self.publish('amcp.domain.y', { at: new Date(0), event: event.id })
        },
      }),
    ),
  ])
  await arrive(unreadable(TOPIC), good(1))
  await clock.advance(10)
  expect(agent).toMatchObject({ failures: 0, handled: 2, dropped: 2 })
  // What it published itself is its own fault, but for the event that nobody could have read.
  expect(bad).toMatchObject({ failures: 1, dropped: 1 })
  expect([count('agents.data-unreadable'), count('agents.handler-threw')]).toEqual([3, 1])
})

test('an agent with a schema drops unreadable data under its own name, and logs the path of what does not fit', async () => {
  const { context, arrive, count, lines } = await started()
  const log: unknown[] = []
  const schema = z.object({ load: z.number() })
  const agent = await context.spawn(
    defineAgent({ type: 'typed', subscribe: { [TOPIC]: schema }, onEvent: ({ data }) => void log.push(data) }),
  )
  await arrive(unreadable(TOPIC), good({ load: 'high' }), good({ load: 1 }))
  expect(log).toEqual([{ load: 1 }])
  expect(agent).toMatchObject({ handled: 1, dropped: 2, failures: 0 })
  expect([count('agents.data-unreadable'), count('agents.data-mismatch')]).toEqual([1, 1])
  expect(lines.map(({ path }) => path)).toEqual([undefined, 'load'])
  await arrive(...Array.from({ length: 100 }, () => good({ load: null })))
  expect([count('agents.data-mismatch'), lines.length]).toEqual([101, 10])
})

test('a subscription of a context loses such an event and goes on, as a function and as a loop', async () => {
  const { context, arrive, count, clock } = await started()
  const [log, late, loop]: unknown[][] = [[], [], []]
  const subscriptions = [
    context.subscribe(TOPIC, ({ data }) => void log!.push(data)),
    context.subscribe(TOPIC, async (event) => {
      await undefined
      late!.push(event.data)
    }),
  ]
  const stream = context.subscribe(TOPIC)
  const reading = (async () => {
    for await (const { data } of stream) loop!.push(data)
  })()
  await stream.ready
  await arrive(unreadable(TOPIC), good(1), unreadable(TOPIC), good(2))
  for (const got of [log, late, loop]) expect(got).toEqual([1, 2])
  for (const { dropped } of [...subscriptions, stream]) expect(dropped).toBe(2)
  expect([count('context.data-unreadable'), count('context.handler-threw')]).toEqual([6, 0])
  await clock.runFor(context.stop())
  await reading
})

test('EV-5 a subscription with a schema sees checked data only, whether the schema waits or not', async () => {
  const { context, arrive, count, lines, clock } = await started()
  const [log, loop, slow, later]: unknown[][] = [[], [], [], []]
  const schema = z.object({ n: z.number(), unit: z.string().default('%') })
  const waiting = z.object({ n: z.number() }).refine(async ({ n }) => n > 0, { path: ['n'] })
  const handlers = [
    context.subscribe(TOPIC, ({ data }) => void log!.push(data.unit), { schema }),
    context.subscribe(TOPIC, ({ data }) => void slow!.push(data.n), { schema: waiting }),
  ]
  const streams = [context.subscribe(TOPIC, { schema }), context.subscribe(TOPIC, { schema: waiting })]
  const reading = streams.map(async (stream, at) => {
    for await (const { data } of stream) (at === 0 ? loop : later)!.push(data.n)
  })
  await context.announced()
  await arrive(good({ n: 'one' }), good({ n: 1 }), good({ n: -1 }))
  await context.publish(TOPIC, { n: 2 })
  await clock.advance(0)
  expect(log).toEqual(['%', '%', '%'])
  expect(loop).toEqual([1, -1, 2])
  for (const got of [slow, later]) expect(got).toEqual([1, 2])
  expect([...handlers, ...streams].map(({ dropped }) => dropped)).toEqual([1, 2, 1, 2])
  expect(count('context.data-mismatch')).toBe(6)
  expect(new Set(lines.map(({ path }) => path))).toEqual(new Set(['n']))
  await clock.runFor(context.stop())
  await Promise.all(reading)
})

test('EV-5 what arrives must fit the context’s schemas; what was published here has been through them', async () => {
  let checked = 0
  const schema = z.object({ n: z.number(), unit: z.string().default('%') }).refine(() => {
    checked += 1
    return true
  })
  const { context, arrive, count, clock, lines } = await started({ 'amcp.domain.>': schema })
  const [log, typed, own, seen, raw]: unknown[][] = [[], [], [], [], []]
  const agents = [
    defineAgent({ type: 'plain', subscribe: ['amcp.>'], onEvent: ({ data }) => void log!.push(data) }),
    defineAgent({
      type: 'typed',
      subscribe: { [TOPIC]: z.object({ unit: z.string() }) },
      onEvent: ({ data }) => void typed!.push(data),
      onActivate: (self) => void self.subscribe(TOPIC, ({ data }) => void own!.push(data)),
    }),
  ]
  const [plain] = await Promise.all(agents.map((definition) => context.spawn(definition)))
  context.subscribe(TOPIC, ({ data }) => void seen!.push(data))
  context.subscribe(TOPIC, ({ data }) => void raw!.push(data), { raw: true })
  await context.announced()
  await arrive(good({ n: 1 }), good({ n: 'one' }), arrived('amcp.other', 'free')[0]!)
  const fit = { n: 1, unit: '%' }
  expect(log).toEqual([fit, 'free'])
  expect(typed).toEqual([{ unit: '%' }])
  for (const got of [own, seen]) expect(got).toEqual([fit])
  expect(raw).toEqual([{ n: 1 }, { n: 'one' }])
  expect([count('agents.data-mismatch'), count('context.data-mismatch')]).toEqual([3, 1])
  expect(lines[0]?.path).toBe('n')
  expect(plain).toMatchObject({ handled: 2, dropped: 1 })
  checked = 0
  await context.publish(TOPIC, { n: 2 })
  await clock.advance(0)
  expect([checked, log!.at(-1)]).toEqual([1, { n: 2, unit: '%' }])
})

test('raw events come as they are, data that cannot be read, too, and exclude a schema', async () => {
  const { context, arrive, count } = await started()
  const stream = context.subscribe(TOPIC, { raw: true })
  await stream.ready
  await arrive(unreadable(TOPIC))
  const { value } = await stream.next()
  expect(() => value?.data).toThrow(expect.objectContaining({ code: 'ERR_EVENT_INVALID' }))
  context.subscribe(TOPIC, ({ data }) => data, { raw: true })
  await arrive(unreadable(TOPIC))
  expect([count('context.data-unreadable'), count('context.handler-threw')]).toEqual([0, 1])
  expect(() => context.subscribe(TOPIC, { raw: true, schema: z.number() })).toThrow(TypeError)
})

test('an agent’s own subscription takes a schema, too', async () => {
  const { context, arrive, count } = await started()
  const log: number[] = []
  const selves: AgentSelf[] = []
  await context.spawn(defineAgent({ type: 'own', onActivate: (self) => void selves.push(self) }))
  await selves[0]!.subscribe(TOPIC, ({ data }) => void log.push(data), { schema: z.number() }).ready
  await arrive(good('one'), good(1))
  expect([log, count('agents.data-mismatch')]).toEqual([[1], 1])
})
