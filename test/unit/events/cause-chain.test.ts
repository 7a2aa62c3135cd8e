import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import {
  causeChainOf,
  causeChainOfCall,
  causeChainOfEvent,
  extensionsWithin,
  givenCorrelation,
  givenTrace,
  impliedTrace,
  traceparentForm,
  traceWithin,
} from '../../../src/events/cause-chain.ts'
import { EventIds } from '../../../src/events/event-ids.ts'
import { PublishedEvent } from '../../../src/events/published-event.ts'
import { event } from '../calls/world.ts'

const FIRST = '0190a3b2-5c6d-7e8f-8a9b-0c1d2e3f4a50'
const SECOND = '0190a3b2-5c6d-7e8f-8a9b-0c1d2e3f4a51'
const GIVEN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const traceOf = (traceparent: string | undefined): string | undefined => traceparent?.slice(3, 35)

describe('EV-3 a trace that nobody gave', () => {
  test('is that of the correlation id, with a span folded from both halves of the id', () => {
    // 0190a3b2 ^ 8a9b0c1d, 5c6d7e8f ^ 2e3f4a50
    expect(impliedTrace(FIRST, FIRST)).toBe('00-0190a3b25c6d7e8f8a9b0c1d2e3f4a50-8b0bafaf725234df-00')
    expect(impliedTrace(SECOND, FIRST)).toBe('00-0190a3b25c6d7e8f8a9b0c1d2e3f4a50-8b0bafaf725234de-00')
  })

  test('is that of the id where the correlation id is no UUID, or one that no trace may have', () => {
    for (const correlationid of ['order 7', '', '00000000-0000-0000-0000-000000000000', FIRST.toUpperCase()]) {
      expect(traceOf(impliedTrace(SECOND, correlationid))).toBe(SECOND.replaceAll('-', ''))
    }
  })

  test('is none where the id is no UUID, and has a span also where the halves of the id are the same', () => {
    expect(impliedTrace('7', FIRST)).toBeUndefined()
    expect(impliedTrace('80000000-0000-8000-8000-000000008000', FIRST)).toMatch(/-0000000000000001-00$/)
  })

  test('is a trace context as W3C has it, one span for each of many publishers and events', () => {
    const spans = new Set<string>()
    for (let publisher = 0; publisher < 50; publisher++) {
      const ids = new EventIds(new SeededRandom(publisher))
      for (let n = 0; n < 50; n++) {
        const trace = impliedTrace(ids.next(), FIRST)!
        expect(trace).toMatch(traceparentForm)
        spans.add(trace.slice(36, 52))
      }
    }
    expect(spans.size).toBe(2_500)
  })
})

describe('EV-3 what an event passes on', () => {
  test('of the first event is its id, and a trace that follows from it', () => {
    const chain = causeChainOf({ id: FIRST, correlationid: undefined, traceparent: undefined })
    expect(chain).toEqual({ causationid: FIRST, correlationid: FIRST, trace: undefined })
    expect(traceWithin(chain, SECOND)).toBeUndefined()
  })

  test('with a correlation id of the effect alone is still the trace of the chain', () => {
    const chain = causeChainOf({ id: FIRST, correlationid: undefined, traceparent: undefined })
    expect(traceWithin(chain, SECOND, 'mine')).toBe(impliedTrace(SECOND, FIRST))
  })

  test('of a correlation id that is no UUID is the trace of the event that had it first', () => {
    const chain = causeChainOf({ id: FIRST, correlationid: 'order 7', traceparent: undefined })
    const trace = traceWithin(chain, SECOND)
    expect([chain.correlationid, trace]).toEqual(['order 7', impliedTrace(SECOND, FIRST)])
    const next = causeChainOf({ id: SECOND, correlationid: 'order 7', traceparent: trace })
    expect(traceOf(traceWithin(next, '0190a3b2-5c6d-7e8f-8a9b-0c1d2e3f4a52'))).toBe(FIRST.replaceAll('-', ''))
  })

  test('of a given trace is its id, its flags and its tracestate, unless the effect has one', () => {
    const chain = causeChainOf({ id: FIRST, correlationid: 'c', traceparent: GIVEN, tracestate: 'v=1' })
    expect(traceWithin(chain, SECOND)).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-8b0bafaf725234de-01$/)
    expect(extensionsWithin(chain, { a: 'b' })).toEqual({ tracestate: 'v=1', a: 'b' })
    expect(extensionsWithin(chain, { tracestate: 'w=2' })).toEqual({ tracestate: 'w=2' })
    expect(extensionsWithin(chain, undefined)).toEqual({ tracestate: 'v=1' })
    expect(extensionsWithin(undefined, undefined)).toBeUndefined()
  })

  test('of a trace that cannot be read is a trace of its own', () => {
    for (const traceparent of ['', '00-4BF9', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, GIVEN.replace('00-', 'cc-')])
      expect(causeChainOf({ id: FIRST, correlationid: undefined, traceparent }).trace).toBeUndefined()
  })

  test('of a call that is no event is the chain of its caller, with the call as the cause', () => {
    const caller = causeChainOf({ id: FIRST, correlationid: 'c', traceparent: GIVEN })
    expect(causeChainOfCall(SECOND, caller)).toEqual({ ...caller, causationid: SECOND })
    expect(causeChainOfCall(SECOND, undefined)).toEqual({
      causationid: SECOND,
      correlationid: SECOND,
      trace: undefined,
    })
  })

  test('is read from plain events as from others', () => {
    const plain = event('amcp.domain.x', 1, { correlationid: 'c', traceparent: GIVEN, extensions: { tracestate: 's' } })
    expect([givenCorrelation(plain), givenTrace(plain)]).toEqual(['c', GIVEN])
    expect(causeChainOfEvent(plain)).toMatchObject({ causationid: plain.id, correlationid: 'c', trace: { state: 's' } })
    const bare = new PublishedEvent(FIRST, plain.source, 'amcp.domain.x', plain.time, 1, undefined, undefined)
    expect([givenCorrelation(bare), givenTrace(bare), bare.correlationid]).toEqual([undefined, undefined, FIRST])
  })
})

describe('an event made here', () => {
  const make = (...rest: [options?: object, chain?: ReturnType<typeof causeChainOf>]): PublishedEvent =>
    new PublishedEvent(SECOND, 'amcp://c/a', 'amcp.domain.x', '2026-01-01T00:00:00.000Z', 1, rest[0], rest[1])

  test('without options and cause is bare, and shows what follows from its id', () => {
    expect(make().isBare).toBe(true)
    expect(make().toJSON()).toEqual({
      ...{ specversion: '1.0', id: SECOND, source: 'amcp://c/a', type: 'amcp.domain.event', subject: 'amcp.domain.x' },
      ...{ time: '2026-01-01T00:00:00.000Z', datacontenttype: 'application/json', data: 1, correlationid: SECOND },
      traceparent: impliedTrace(SECOND, SECOND),
    })
  })

  test('EV-3 takes from its cause what nobody gave, and what somebody gave wins', () => {
    const chain = causeChainOf({ id: FIRST, correlationid: 'c', traceparent: GIVEN, tracestate: 's' })
    const { correlationid, causationid, traceparent, extensions } = make({ priority: 7 }, chain)
    expect([correlationid, causationid, traceOf(traceparent), extensions]).toEqual([
      ...['c', FIRST, '4bf92f3577b34da6a3ce929d0e0e4736'],
      { tracestate: 's' },
    ])
    const own = { correlationid: 'd', causationid: 'e', traceparent: impliedTrace(FIRST, FIRST)! }
    expect(make(own, chain)).toMatchObject({ ...own, extensions: undefined, isBare: false })
  })

  test('has every attribute that its publisher gave', () => {
    const options = {
      ...{ type: 'amcp.domain.order', priority: 9, correlationid: 'c', causationid: 'd', traceparent: GIVEN },
      ...{ partitionkey: 'p', expirytime: '2030-01-01T00:00:00Z', datacontenttype: 'application/cloudevents+json' },
      extensions: { colour: 'red' },
    }
    expect(make(options).toJSON()).toMatchObject(options)
    const bytes = new PublishedEvent(SECOND, 'amcp://c/a', 'amcp.domain.x', '', new Uint8Array(1), undefined, undefined)
    expect(bytes.datacontenttype).toBe('application/octet-stream')
  })

  test('keeps its attributes when the options that made it are used again', () => {
    const options = { priority: 1, extensions: { a: 'b' } }
    const made = make(options)
    options.priority = 2
    expect(made.priority).toBe(1)
  })
})
