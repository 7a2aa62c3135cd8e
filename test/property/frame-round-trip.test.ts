import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contextIdOf } from '../../src/core/ids.ts'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { isExtensionName } from '../../src/events/attributes.ts'
import { impliedTrace } from '../../src/events/cause-chain.ts'
import type { AmcpEvent } from '../../src/events/event.ts'
import { readFrame } from '../../src/events/frame/frame-reader.ts'
import { FrameWriter } from '../../src/events/frame/frame-writer.ts'
import { EnvelopeWriter, type LinkRecord, readLinkMessage } from '../../src/events/frame/link-envelope.ts'
import { formatSequence } from '../../src/events/frame/text-forms.ts'
import { validateEvent } from '../../src/events/validate-event.ts'
import { sampleFields } from '../../src/testing/sample-frames.ts'

const crypto = nodeCrypto()
const key = crypto.signingKey(new Uint8Array(32).fill(3))

const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const uuid = fc.oneof(
  fc.uuid(),
  text,
  fc.uuid().map((id) => id.toUpperCase()),
)
const time = fc.oneof(
  fc
    .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  fc.constantFrom(
    '2026-02-29T00:00:00.000Z',
    '2024-02-29T12:00:00.000Z',
    '2026-11-20T08:15:30+01:00',
    '1969-12-31T23:59:59.999Z',
    '',
  ),
  text,
)
const trace = fc.oneof(fc.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/), text)
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
const json = fc.jsonValue({ noUnicodeString: false })
const content = fc.oneof(
  fc.record({ datacontenttype: fc.constantFrom('application/json', 'application/cloudevents+json'), data: json }),
  fc.record({
    datacontenttype: fc.constantFrom('application/octet-stream', 'application/json'),
    data: fc.uint8Array({ maxLength: 300 }),
  }),
  fc.record({ datacontenttype: text, data: fc.constant(undefined) }),
)
const attributes = fc.record({
  id: uuid,
  source: text,
  type: text,
  subject: text,
  time,
  correlationid: optional(uuid),
  causationid: optional(uuid),
  replyto: optional(text),
  traceparent: optional(trace),
  sequence: optional(fc.oneof(text, fc.nat().map(formatSequence))),
  partitionkey: optional(text),
  expirytime: optional(time),
  priority: optional(fc.integer({ min: 0, max: 9 })),
  extensions: optional(
    fc.dictionary(fc.stringMatching(/^[a-z0-9]{1,20}$/).filter(isExtensionName), text, {
      maxKeys: 5,
      noNullPrototype: true,
    }),
  ),
})
const event: fc.Arbitrary<AmcpEvent> = fc
  .tuple(attributes, content)
  .map(([rest, { datacontenttype, data }]) => ({ specversion: '1.0', ...rest, datacontenttype, data }))
const placed = fc.record({
  event,
  step: fc.integer({ min: 0, max: 2 ** 40 }),
  shard: fc.constantFrom(0, 1, 63, 65_535),
  token: fc.nat(3),
})

function faultOf(act: () => void): unknown {
  try {
    act()
    return undefined
  } catch (error) {
    return error
  }
}

/** JSON's own idea of a value: -0 becomes 0 and so on. */
function throughJson(original: AmcpEvent): unknown {
  const { data } = original
  return data === undefined || data instanceof Uint8Array ? data : JSON.parse(JSON.stringify(data))
}

describe('frames and events', () => {
  test('every event comes back with every attribute exactly, whatever stands in it', () => {
    const tokens = [1, 2, 3].map((byte) => new Uint8Array(16).fill(byte))
    fc.assert(
      fc.property(fc.array(placed, { maxLength: 12 }), (list) => {
        const writer = new FrameWriter({ crypto, target: 1_048_576, largest: 1_048_576 })
        const sequences = new Map<number, number>()
        const sent = list.map((item) => {
          const sequence = (sequences.get(item.shard) ?? -1) + 1 + item.step
          sequences.set(item.shard, sequence)
          expect(writer.add(item.event, sequence, item.shard, tokens[item.token])).toBe(true)
          return { ...item, sequence }
        })
        const frame = readFrame(writer.finish(sampleFields(key)))
        const received = frame.events()
        expect(received).toHaveLength(sent.length)
        for (const [n, { event: original, sequence, shard, token }] of sent.entries()) {
          const got = received[n]!
          expect(got.sequenceNumber).toBe(sequence)
          expect(got.shard).toBe(shard)
          expect(got.tokenHash).toEqual(tokens[token])
          const wanted: Record<string, unknown> = { ...original, data: throughJson(original) }
          wanted['sequence'] ??= formatSequence(sequence)
          // What nobody gave follows from the ids.
          wanted['correlationid'] ??= original.id
          wanted['traceparent'] ??= impliedTrace(original.id, original.correlationid ?? original.id)
          expect(got.toJSON()).toEqual(wanted)
          expect([got.givenCorrelation, got.givenTrace]).toEqual([original.correlationid, original.traceparent])
        }
        // Passed on: a received event is written again from its bytes, and comes out the same.
        for (const [n, got] of received.entries()) writer.add(got, sent[n]!.sequence, sent[n]!.shard, got.tokenHash)
        const again = readFrame(writer.finish(sampleFields(key))).events()
        expect(again.map((one) => one.toJSON())).toEqual(received.map((one) => one.toJSON()))
      }),
      { numRuns: 400 },
    )
  })

  test('an event that arrives has a fault exactly when its publisher would have been refused for it (EV-1)', () => {
    const type = fc.constantFrom('amcp.domain.event', 'amcp.domain.a.b', 'amcp.domain.', 'com.example.event')
    const mostly = <T>(right: T, any: fc.Arbitrary<T>): fc.Arbitrary<T> =>
      fc.oneof({ weight: 12, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: any })
    const nearlyRight = fc.record({
      id: mostly('0189f7a2-5c1e-7a3b-8f00-1234567890ab', uuid),
      type: mostly('amcp.domain.event', type),
      time: mostly('2026-11-21T08:15:30.000Z', time),
      correlationid: mostly<string | undefined>(undefined, optional(uuid)),
      causationid: mostly<string | undefined>(undefined, optional(uuid)),
      replyto: mostly<string | undefined>('amcp.domain.answers', optional(text)),
      traceparent: mostly<string | undefined>(undefined, optional(trace)),
      sequence: mostly<string | undefined>(undefined, optional(text)),
      partitionkey: mostly<string | undefined>('k', optional(text)),
      expirytime: mostly<string | undefined>(undefined, optional(time)),
      priority: mostly<number | undefined>(9, fc.integer({ min: 0, max: 255 })),
      extensions: mostly<Record<string, string> | undefined>(
        { traced: 'yes' },
        fc.oneof(
          fc.constant({ empty: '' }),
          fc.constant({ long: 'x'.repeat(1_025) }),
          fc.constant(Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`e${n}`, 'x']))),
        ),
      ),
    })
    const types = fc.oneof(fc.constantFrom('application/json', 'text/plain', 'application/x+json; v=1', '', 'no'), text)
    const bytesOrJson = fc.record({
      datacontenttype: types,
      data: fc.oneof(json, fc.uint8Array(), fc.constant(undefined)),
    })
    const contents = mostly<{ datacontenttype: string; data: unknown }>(
      { datacontenttype: 'application/json', data: { a: 1 } },
      bytesOrJson,
    )
    let faulty = 0
    const runs = 2_000
    fc.assert(
      fc.property(nearlyRight, contents, (rest, content) => {
        const source = `amcp://${contextIdOf(key.publicKey)}/0189f7a2-5c1e-8a3b-8f00-1234567890ab`
        const original: AmcpEvent = { specversion: '1.0', source, subject: 'amcp.domain.x', ...rest, ...content }
        const writer = new FrameWriter({ crypto, target: 1_048_576, largest: 1_048_576 })
        writer.add(original, 0, 0, undefined)
        const [got] = readFrame(writer.finish(sampleFields(key))).events()
        const refused = faultOf(() => validateEvent(got!.toJSON()))
        expect(got!.fault === undefined).toBe(refused === undefined)
        if (got!.fault !== undefined) faulty += 1
      }),
      { numRuns: runs },
    )
    expect(faulty).toBeGreaterThan(runs / 5)
    expect(faulty).toBeLessThan((runs * 4) / 5)
  })

  test('link envelopes come back with all their records', () => {
    const shard = fc.nat(65_535)
    const number = fc.nat(Number.MAX_SAFE_INTEGER - 2)
    const record: fc.Arbitrary<LinkRecord> = fc.oneof(
      fc.record({ kind: fc.constant('previous' as const), shard, sequence: fc.oneof(fc.constant(-1), number) }),
      fc.record({ kind: fc.constant('nothing-until' as const), shard, sequence: number }),
      fc.record({
        kind: fc.constant('lane' as const),
        number,
        shard,
        lane: fc.constantFrom('gossip' as const, 'direct' as const),
        sequence: fc.oneof(fc.constant(-1), number),
      }),
      fc.record({ kind: fc.constant('interest' as const), number, shard, isInterested: fc.boolean() }),
      fc.record({ kind: fc.constant('credit' as const), received: number, granted: number }),
      fc.record({
        kind: fc.constant('dropped' as const),
        shard,
        first: fc.nat(),
        last: fc.integer({ min: 2 ** 31, max: 2 ** 50 }),
      }),
    )
    const writer = new EnvelopeWriter()
    const write = (one: LinkRecord): void => {
      if (one.kind === 'previous') writer.previous(one.shard, one.sequence)
      else if (one.kind === 'nothing-until') writer.nothingUntil(one.shard, one.sequence)
      else if (one.kind === 'lane') writer.lane(one.number, one.shard, one.lane, one.sequence)
      else if (one.kind === 'interest') writer.interest(one.number, one.shard, one.isInterested)
      else if (one.kind === 'credit') writer.credit(one.received, one.granted)
      else writer.dropped(one.shard, one.first, one.last)
    }
    fc.assert(
      fc.property(fc.array(record, { maxLength: 200 }), fc.uint8Array({ maxLength: 50 }), (records, frame) => {
        for (const one of records) write(one)
        const message = Uint8Array.of(...writer.finish(frame.length > 0), ...frame)
        expect(readLinkMessage(message)).toEqual({ records, frame: frame.length > 0 ? frame : undefined })
      }),
    )
  })
})
