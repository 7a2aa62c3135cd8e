import { createRequire } from 'node:module'
import { CloudEvent, HTTP } from 'cloudevents'
import { describe, expect, test } from 'vitest'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { type ForeignEvent, fromStructured, toStructured } from '../../../src/events/json-codec.ts'
import { faultOf } from './fault-of.ts'
import { fullEvent, sampleEvent } from './sample-event.ts'

/** The CloudEvents project's own JSON schema of version 1.0, compiled by its SDK. */
const fitsCloudEventsSchema = createRequire(import.meta.url)('cloudevents/dist/schema/v1.js') as (
  event: unknown,
) => boolean

const bytesEvent = (): AmcpEvent =>
  sampleEvent({ data: new Uint8Array([0, 127, 128, 255]), datacontenttype: 'application/octet-stream' })

/** One line of it, as tap writes it. */
const toJson = (event: AmcpEvent): string => JSON.stringify(toStructured(event))

/** What is left of an event when somebody else publishes it again: what its author said. */
const keptOf = ({ subject, data, extensions, ...event }: AmcpEvent): ForeignEvent => {
  const { type, datacontenttype, correlationid, causationid, traceparent, partitionkey, expirytime, priority } = event
  const options = { type, datacontenttype, correlationid, causationid, traceparent, partitionkey, expirytime, priority }
  const given = Object.entries({ ...options, extensions }).filter(([, value]) => value !== undefined)
  return { topic: subject, data, options: Object.fromEntries(given) }
}

const without = (event: object, name: string): object =>
  Object.fromEntries(Object.entries(event).filter(([key]) => key !== name))

const samples: [name: string, event: AmcpEvent][] = [
  ['with the necessary attributes', sampleEvent()],
  ['with all attributes', fullEvent()],
  ['with bytes', bytesEvent()],
  ['with null for data', sampleEvent({ data: null })],
  ['with text beyond ASCII', sampleEvent({ data: ['grüße 🌍', '\u0000'], partitionkey: 'größe' })],
]

describe('an event in JSON', () => {
  test.each(samples)('%s can be published again as its author meant it', (_, event) => {
    expect(fromStructured(JSON.parse(toJson(event)))).toEqual(keptOf(event))
    expect(toJson(event)).not.toContain('\n')
  })

  test.each(samples)('EV-2 %s fits the CloudEvents JSON schema', (_, event) => {
    expect(fitsCloudEventsSchema(JSON.parse(toJson(event)))).toBe(true)
  })

  test('EV-3 carries time, trace, correlation and causation', () => {
    const { time, traceparent, correlationid, causationid } = JSON.parse(toJson(fullEvent()))
    expect({ time, traceparent, correlationid, causationid }).toMatchObject({
      time: '2026-11-21T05:00:00.123Z',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      correlationid: 'order-7',
      causationid: '1f1e1d1c-1b1a-8918-9716-151413121110',
    })
  })

  test('lays extensions beside the attributes and bytes in base64', () => {
    expect(toStructured(fullEvent())).toMatchObject({ tenant: 'acme', priority: 9 })
    expect(toStructured(bytesEvent())).toMatchObject({ data_base64: 'AH+A/w==' })
    expect(toStructured(bytesEvent())).not.toHaveProperty('data')
  })

  test.each([
    ['text', 'abc'],
    ['a number', 7],
    ['false', false],
    ['an empty text', ''],
  ])('may hold %s as data', (_, data) => {
    expect(fromStructured(JSON.parse(toJson(sampleEvent({ data })))).data).toBe(data)
  })
})

describe('the official SDK', () => {
  test.each(samples)('EV-2 takes an event %s in structured mode and gives the same back', (_, event) => {
    const theirs = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body: toJson(event) })
    const { body } = HTTP.structured(theirs as CloudEvent<unknown>)
    const back = JSON.parse(String(body)) as object
    // It leaves out what is null, which is the same in the format.
    expect({ ...(event.data === null && { data: null }), ...back }).toEqual(JSON.parse(toJson(event)))
    expect(fromStructured(back)).toEqual(keptOf(event))
  })

  test.each(samples.filter(([name]) => !name.includes('null') && !name.includes('beyond')))(
    'EV-2 takes an event %s in binary mode and gives the same back',
    (_, event) => {
      const { headers, body } = HTTP.binary(new CloudEvent(toStructured(event)))
      expect(headers).toMatchObject({ 'ce-id': event.id, 'ce-source': event.source, 'ce-subject': event.subject })
      const theirs = HTTP.toEvent({ headers, body: body as string }) as CloudEvent<unknown>
      const { id, source, time, sequence, replyto } = event
      expect(theirs).toMatchObject({ id, source, time, ...(sequence && { sequence }), ...(replyto && { replyto }) })
      expect(fromStructured(theirs.toJSON())).toEqual(keptOf(event))
    },
  )

  test('EV-1 takes a version 1.1 and an event without an id, which is why the check is our own', () => {
    const fields = { ...toStructured(sampleEvent()), specversion: '1.1', id: '' }
    expect(new CloudEvent(fields).specversion).toBe('1.1')
    expect(faultOf(() => fromStructured(fields)).details['attribute']).toBe('specversion')
  })
})

/** A CloudEvent of somebody who knows nothing of AMCP. */
const foreign = {
  specversion: '1.0',
  id: 'order 7',
  source: '/plant/press#2',
  type: 'amcp.domain.order',
  subject: 'amcp.domain.orders',
  time: '2026-11-21T06:00:00+01:00',
  data: { pieces: 7 },
}

describe('reading a CloudEvent of somebody else', () => {
  test('takes its topic, data, attributes and extensions', () => {
    expect(fromStructured({ ...foreign, sequence: 'a7', replyto: 'somewhere', tenant: 'acme' })).toEqual({
      topic: 'amcp.domain.orders',
      data: { pieces: 7 },
      options: { type: 'amcp.domain.order', extensions: { tenant: 'acme' } },
    })
  })

  test('subject, time and data may be absent, and null is absent', () => {
    const { specversion, id, source, type } = foreign
    const bare = { topic: undefined, data: null, options: { type } }
    expect(fromStructured({ specversion, id, source, type })).toEqual(bare)
    const nothing = { subject: null, time: null, data: null, data_base64: null, priority: null, tenant: null }
    expect(fromStructured({ specversion, id, source, type, ...nothing, region: undefined })).toEqual(bare)
  })

  test('takes whole numbers and booleans of extensions as their text, and a priority that came as text', () => {
    const { options } = fromStructured({ ...foreign, attempt: 3, least: -(2 ** 31), urgent: true, priority: '7' })
    expect(options).toMatchObject({ priority: 7, extensions: { attempt: '3', least: '-2147483648', urgent: 'true' } })
  })

  test.each<[what: string, fields: object, data: unknown]>([
    ['bytes', { datacontenttype: 'image/png', data_base64: 'AAAA' }, new Uint8Array(3)],
    ['no bytes', { datacontenttype: 'image/png' }, new Uint8Array()],
    ['text that is no JSON as its bytes', { datacontenttype: 'text/plain', data: 'ü' }, new Uint8Array([0xc3, 0xbc])],
    ['JSON in base64', { datacontenttype: 'application/json', data_base64: 'eyJhIjoxfQ==' }, { a: 1 }],
    ['JSON in base64 that names no type', { data_base64: 'eyJhIjoxfQ==' }, { a: 1 }],
    ['JSON of a type of its own', { datacontenttype: 'application/geo+json', data: [1] }, [1]],
  ])('takes %s', (_, fields, data) => {
    expect(fromStructured({ ...foreign, data: undefined, ...fields }).data).toEqual(data)
  })

  test.each(['specversion', 'id', 'source', 'type'])('EV-1 names a missing %s', (attribute) => {
    for (const fields of [without(foreign, attribute), { ...foreign, [attribute]: null }]) {
      expect(faultOf(() => fromStructured(fields))).toMatchObject({
        code: 'ERR_EVENT_INVALID',
        details: { attribute },
      })
    }
  })

  test.each<[attribute: string, fields: Record<string, unknown>]>([
    ['specversion', { specversion: '1.1' }],
    ['specversion', { specversion: 1 }],
    ['id', { id: '' }],
    ['id', { id: 7 }],
    ['source', { source: '' }],
    ['source', { source: 'else where' }],
    ['type', { type: '' }],
    ['subject', { subject: '' }],
    ['subject', { subject: 7 }],
    ['time', { time: 'then' }],
    ['time', { time: 7 }],
    ['dataschema', { dataschema: 'https://example.org/order.json' }],
    ['datacontenttype', { datacontenttype: 7 }],
    ['tenant', { tenant: { name: 'acme' } }],
    ['tenant', { tenant: { toString: null, valueOf: 0 } }],
    ['attempt', { attempt: 1.5 }],
    ['attempt', { attempt: 2 ** 31 }],
    ['data', { datacontenttype: 'text/plain' }],
    ['data_base64', { data_base64: 'AAAA' }],
    ['data_base64', { data: undefined, data_base64: 7 }],
    ['data_base64', { data: undefined, data_base64: '!!!', datacontenttype: 'image/png' }],
    ['data_base64', { data: undefined, data_base64: 'wyg=' }],
    ['data_base64', { data: undefined, data_base64: 'ew==' }],
  ])('EV-1 names %s when it is wrong (%#)', (attribute, fields) => {
    expect(faultOf(() => fromStructured({ ...foreign, ...fields }))).toMatchObject({
      code: 'ERR_EVENT_INVALID',
      details: { attribute },
    })
  })

  test('cannot be made to change what all objects inherit', () => {
    const withPrototype = (value: string): object =>
      JSON.parse(`{"__proto__":${value},${JSON.stringify(foreign).slice(1)}`)
    const error = faultOf(() => fromStructured(withPrototype('{"polluted":"yes"}')))
    expect(error).toMatchObject({ code: 'ERR_EVENT_INVALID', details: { attribute: '__proto__' } })
    // As text it is an extension like any other, whose name is refused when it is published.
    expect(Object.keys(fromStructured(withPrototype('"polluted"')).options.extensions ?? {})).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})
