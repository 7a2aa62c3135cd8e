import { CloudEvent } from 'cloudevents'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AmcpError } from '../../src/core/errors.ts'
import { checkJsonData, jsonOf } from '../../src/events/data.ts'
import type { AmcpEvent } from '../../src/events/event.ts'
import { fromStructured, toStructured } from '../../src/events/json-codec.ts'
import { plainEvent } from '../../src/events/plain-event.ts'
import { PublishedEvent } from '../../src/events/published-event.ts'
import { sourceOf } from '../../src/events/source.ts'
import { validateEvent } from '../../src/events/validate-event.ts'

const context = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((value) => value.isWellFormed())
const level = fc.stringMatching(/^[A-Za-z0-9_~:@+=$-]{1,12}$/)
const topic = fc.array(level, { minLength: 1, maxLength: 6 }).map((levels) => `amcp.domain.${levels.join('.')}`)
const time = fc
  .date({ min: new Date(0), max: new Date(253_402_300_799_999), noInvalidDate: true })
  .map((date) => date.toISOString())
/** JSON has no -0: it comes back as 0. */
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)
const payload = fc.oneof(
  json.map((data) => ({ datacontenttype: 'application/json', data })),
  fc.uint8Array({ maxLength: 64 }).map((data) => ({ datacontenttype: 'application/octet-stream', data })),
)
const optional = fc.record(
  {
    correlationid: text,
    causationid: fc.uuid(),
    replyto: topic,
    traceparent: fc.constant('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'),
    sequence: fc.nat().map((value) => String(value).padStart(20, '0')),
    partitionkey: text,
    expirytime: time,
    priority: fc.integer({ min: 0, max: 9 }),
    extensions: fc.dictionary(fc.stringMatching(/^x[a-z0-9]{1,10}$/), text, { minKeys: 1, maxKeys: 3 }),
  },
  { requiredKeys: [] },
)
const event = fc.tuple(fc.uuid({ version: [1, 4, 7, 8] }), fc.uuid({ version: 8 }), topic, time, payload, optional).map(
  ([id, agent, subject, at, { datacontenttype, data }, others]): AmcpEvent => ({
    specversion: '1.0',
    id,
    source: sourceOf(context, agent),
    type: 'amcp.domain.event',
    subject,
    time: at,
    datacontenttype,
    data,
    ...others,
  }),
)

/** Published again in the name of somebody else, as far as that is not a matter of topics and data. */
const published = (parsed: object): AmcpEvent => {
  const { topic = '', data, options } = fromStructured(parsed)
  const own = [
    '5b6e9c1a-7f5e-4c3d-9b1a-0123456789ab',
    sourceOf(context, '0f0e0d0c-0b0a-8908-8706-050403020100'),
  ] as const
  const again = new PublishedEvent(...own, topic, '2026-11-21T05:00:00.123Z', data, options, undefined)
  validateEvent(again)
  return again
}

test('EV-2 every event is valid, survives JSON and the official SDK, and keeps its author’s attributes when it is published again', () => {
  fc.assert(
    fc.property(event, (one) => {
      validateEvent(one)
      const fields = JSON.parse(JSON.stringify(toStructured(one))) as Record<string, unknown>
      const theirs = JSON.parse(JSON.stringify(new CloudEvent(fields))) as Record<string, unknown>
      expect(theirs).toEqual(fields)
      const { id, source, time, replyto, sequence, ...kept } = one
      expect(plainEvent(published(theirs))).toMatchObject(kept)
    }),
    { numRuns: 300 },
  )
})

test('EV-1 whatever an attribute is replaced by, the event is read or refused with a typed error', () => {
  fc.assert(
    fc.property(event, fc.nat(), fc.jsonValue(), (one, choice, value) => {
      const fields = toStructured(one)
      const names = Object.keys(fields)
      fields[names[choice % names.length]!] = value
      try {
        published(fields)
      } catch (error) {
        expect(error).toBeInstanceOf(AmcpError)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('EV-1 data is taken without encoding exactly when encoding it would keep it as it is', () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true })
  fc.assert(
    fc.property(fc.oneof(anything, json), (data) => {
      try {
        checkJsonData(data)
      } catch (error) {
        expect(error).toBeInstanceOf(AmcpError)
        return
      }
      expect(JSON.parse(jsonOf(data))).toEqual(data === undefined ? null : withoutNegativeZero(data))
    }),
    { numRuns: 1_000 },
  )
})

function withoutNegativeZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(withoutNegativeZero)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutNegativeZero(member)]))
}
