import { expect, test } from 'vitest'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { copiedOut, frameOf } from '../../../src/agent/held-frames.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { type Lonely, lonely } from '../context-world.ts'
import { arrived } from '../events/frame/arrived.ts'

const TOPIC = 'amcp.domain.x'

/** The first event of a frame of some 50 KiB, the rest of which nobody wants. */
const sparse = (at: number): AmcpEvent => arrived(TOPIC, at, ...Array.from({ length: 50 }, () => 'x'.repeat(1_000)))[0]!

/** An event that is nearly all of its frame, 256 KiB. */
const large = (): AmcpEvent => arrived(TOPIC, 'x'.repeat(262_142))[0]!

async function started(): Promise<Lonely> {
  const world = lonely()
  await world.context.start()
  return world
}

test('a reader that wants one event of each frame does not keep the frames: the events are copied out, and read as they were', async () => {
  const { context, broker, clock, ports } = await started()
  const [log, typed]: unknown[][] = [[], []]
  const selves: { subscribe(topic: string, handler: (event: AmcpEvent) => void): unknown }[] = []
  await context.spawn(
    defineAgent({
      type: 'slow',
      mailbox: { limit: 2_000 },
      subscribe: [TOPIC],
      onEvent: ({ data }) => void log!.push(data),
      onActivate: (self) => void selves.push(self),
    }),
  )
  selves[0]!.subscribe(TOPIC, ({ data }) => void typed!.push(data))
  const stream = context.subscribe(TOPIC)
  await stream.ready
  for (let at = 0; at < 200; at += 1) void broker.publish(sparse(at))
  const all = Array.from({ length: 200 }, (_, at) => at)
  // 4 MiB of frames of 52 KiB may wait, the first 80, before the copying begins. The agent has each event twice.
  for (const [name, times] of [
    ['agents.copied-out', 2],
    ['context.copied-out', 1],
  ] as const) {
    expect(ports.counters.get(name)).toBeGreaterThan(100 * times)
    expect(ports.counters.get(name)).toBeLessThan(150 * times)
  }
  await clock.advance(0)
  expect([log, typed]).toEqual([all, all])
  for (const at of all) expect((await stream.next()).value?.data).toBe(at)
})

test('events that are most of their frame are not copied, and 64 MiB of them are what may wait', async () => {
  const { context, broker, clock, ports } = await started()
  const agent = await context.spawn(defineAgent({ type: 'slow', subscribe: [TOPIC], onEvent: () => undefined }))
  const stream = context.subscribe(TOPIC)
  await stream.ready
  for (let at = 0; at < 300; at += 1) void broker.publish(large())
  expect(agent.dropped).toBe(stream.dropped)
  expect([agent.waiting < 257, agent.waiting > 240, agent.waiting + agent.dropped]).toEqual([true, true, 300])
  expect([ports.counters.get('agents.mailbox-full'), ports.counters.get('context.subscription-full')]).toEqual([
    agent.dropped,
    agent.dropped,
  ])
  expect([ports.counters.get('agents.copied-out'), ports.counters.get('context.copied-out')]).toEqual([0, 0])
  await clock.advance(0)
  void broker.publish(large())
  expect(agent.waiting).toBe(1)
})

test('what is copied out keeps its own bytes alone', () => {
  const event = sparse(7)
  const copy = copiedOut(event, lonely().ports.counters, 'agents')
  expect(copy.data).toBe(7)
  expect(frameOf(event)!.bytes.buffer.byteLength).toBeGreaterThan(50_000)
  expect(frameOf(copy)!.bytes.buffer.byteLength).toBeLessThan(1_000)
})
