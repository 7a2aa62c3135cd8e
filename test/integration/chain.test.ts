import { describe, expect, test } from 'vitest'
import { defineAgent } from '../../src/agent/define-agent.ts'
import type { AmcpEvent } from '../../src/events/event.ts'
import { toStructured } from '../../src/events/json-codec.ts'
import { simulate } from '../../src/sim/index.ts'

const asker = defineAgent({
  type: 'asker',
  subscribe: ['amcp.domain.order'],
  async onEvent(_, self) {
    await self.call('reserve', 1)
    await self.publish('amcp.domain.confirmed', 1)
  },
})
const store = defineAgent({
  type: 'store',
  capabilities: { reserve: { handle: (_, self) => self.publish('amcp.domain.reserved', 1) } },
})

/** An order from one context, handled in a second one, which calls a third one; all as a fourth subscriber sees it. */
async function order(lane: 'direct' | 'gossip', options: object | undefined): Promise<Map<string, AmcpEvent>> {
  const { value } = await simulate({ seed: 3, contexts: 3 }, async ({ contexts, until }) => {
    for (const [at, context] of contexts.entries()) {
      await context.start({ lanes: { lane }, ...(at === 0 ? {} : { bootstrap: [contexts[0]!.address] }) })
    }
    const [first, second, third] = contexts.map(({ context }) => context)
    const seen = new Map<string, AmcpEvent>()
    const here = new Map<string, AmcpEvent>()
    await third!.spawn(store)
    await second!.spawn(asker)
    await third!.subscribe('amcp.domain.>', (event) => void seen.set(event.subject, event)).ready
    await first!.subscribe('amcp.domain.>', (event) => void here.set(event.subject, event)).ready
    await Promise.all([second!.announced(), third!.announced()])
    await first!.publish('amcp.domain.order', 1, options)
    await until(() => seen.size === 3 && here.size === 3, 'all seen')
    for (const [subject, event] of seen) {
      const other = here.get(subject)!
      expect([other.correlationid, other.causationid, other.traceparent]).toEqual([
        ...[event.correlationid, event.causationid, event.traceparent],
      ])
    }
    return seen
  })
  return value
}

describe.each(['direct', 'gossip'] as const)('EV-3 by the %s lane', (lane) => {
  test('time, trace, correlation and cause go from context to context and through calls', async () => {
    const seen = await order(lane, undefined)
    const [placed, reserved, confirmed] = ['order', 'reserved', 'confirmed'].map((at) => seen.get(`amcp.domain.${at}`)!)
    for (const event of [placed, reserved, confirmed]) {
      expect(event!.correlationid).toBe(placed!.id)
      expect(event!.traceparent?.slice(3, 35)).toBe(placed!.id.replaceAll('-', ''))
      expect(event!.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    }
    expect(new Set([...seen.values()].map(({ traceparent }) => traceparent)).size).toBe(3)
    expect(placed!.causationid).toBeUndefined()
    expect(confirmed!.causationid).toBe(placed!.id)
    // The call itself, which was an event to one agent.
    expect(reserved!.causationid).toMatch(/^[0-9a-f-]{36}$/)
    expect(reserved!.causationid).not.toBe(placed!.id)
  })

  test('a trace that came from outside is kept, with its flags and its state', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const seen = await order(lane, { correlationid: 'order 7', traceparent, extensions: { tracestate: 'v=1' } })
    expect(seen.get('amcp.domain.order')).toMatchObject({ traceparent })
    for (const event of seen.values()) {
      expect(event).toMatchObject({ correlationid: 'order 7', extensions: { tracestate: 'v=1' } })
      expect(event.traceparent).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
    }
  })

  test('what follows from the ids is written out where an event leaves as JSON', async () => {
    for (const event of (await order(lane, undefined)).values()) {
      const { correlationid, causationid, traceparent, time } = JSON.parse(JSON.stringify(toStructured(event)))
      expect([correlationid, causationid, traceparent, time]).toEqual([
        ...[event.correlationid, event.causationid, event.traceparent, event.time],
      ])
      expect(traceparent).toBeDefined()
    }
  })
})
