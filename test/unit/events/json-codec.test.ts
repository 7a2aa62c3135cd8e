import { createRequire } from 'node:module'
import { CloudEvent, HTTP } from 'cloudevents'
import { describe, expect, test } from 'vitest'
import { MAX_EVENT_BYTES } from '../../../src/events/data.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { fromJson, fromStructured, toJson, toStructured } from '../../../src/events/json-codec.ts'
import { faultOf } from './fault-of.ts'
import { agent, context, fullEvent, sampleEvent } from './sample-event.ts'

/** The CloudEvents project's own JSON schema of version 1.0, compiled by its SDK. */
const fitsCloudEventsSchema = createRequire(import.meta.url)('cloudevents/dist/schema/v1.js') as (
  event: unknown,
) => boolean

const bytesEvent = (): AmcpEvent =>
  sampleEvent({ data: new Uint8Array([0, 127, 128, 255]), datacontenttype: 'application/octet-stream' })

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
  test.each(samples)('%s comes back as it was', (_, event) => {
    expect(fromJson(toJson(event))).toEqual(event)
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
    expect(fromJson(toJson(sampleEvent({ data }))).data).toBe(data)
  })
})

describe('the official SDK', () => {
  test.each(samples)('EV-2 takes an event %s in structured mode and gives the same back', (_, event) => {
    const theirs = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body: toJson(event) })
    const { body } = HTTP.structured(theirs as CloudEvent<unknown>)
    expect(fromJson(String(body))).toEqual(event)
  })

  test.each(samples.filter(([name]) => !name.includes('null') && !name.includes('beyond')))(
    'EV-2 takes an event %s in binary mode and gives the same back',
    (_, event) => {
      const { headers, body } = HTTP.binary(new CloudEvent(toStructured(event)))
      expect(headers).toMatchObject({ 'ce-id': event.id, 'ce-source': event.source, 'ce-subject': event.subject })
      const theirs = HTTP.toEvent({ headers, body: body as string }) as CloudEvent<unknown>
      expect(fromStructured(theirs.toJSON())).toEqual(event)
    },
  )

  test('EV-1 takes a version 1.1 and an event without an id, which is why the check is our own', () => {
    const fields = { ...toStructured(sampleEvent()), specversion: '1.1', id: '' }
    expect(new CloudEvent(fields).specversion).toBe('1.1')
    expect(faultOf(() => fromStructured(fields)).details['attribute']).toBe('specversion')
  })
})

describe('reading JSON', () => {
  test.each(['', '{', 'null', '7', '"event"', '[]', '[{}]'])('refuses %j, which is no event', (json) => {
    expect(faultOf(() => fromJson(json))).toMatchObject({
      code: 'ERR_EVENT_INVALID',
      details: { attribute: 'event' },
    })
  })

  test.each(['specversion', 'id', 'source', 'type', 'subject', 'time'])('EV-1 names a missing %s', (attribute) => {
    expect(faultOf(() => fromStructured(without(toStructured(sampleEvent()), attribute)))).toMatchObject({
      code: 'ERR_EVENT_INVALID',
      details: { attribute },
    })
  })

  test('takes null for absent, as the format has it', () => {
    const fields = {
      ...toStructured(sampleEvent()),
      correlationid: null,
      priority: null,
      tenant: null,
      region: undefined,
      data_base64: null,
    }
    expect(fromStructured(fields)).toEqual(sampleEvent())
    const bytes = { ...toStructured(bytesEvent()), data: null }
    expect(fromStructured(bytes)).toEqual(bytesEvent())
  })

  test('takes an event without data as null in JSON', () => {
    const fields = without(without(toStructured(sampleEvent()), 'data'), 'datacontenttype')
    expect(fromStructured(fields)).toEqual(sampleEvent({ data: null }))
  })

  test('takes numbers and booleans of extensions as their text', () => {
    const event = fromStructured({ ...toStructured(sampleEvent()), retries: 3, urgent: true })
    expect(event.extensions).toEqual({ retries: '3', urgent: 'true' })
  })

  test('takes a priority as text, which is all that a header can hold', () => {
    expect(fromStructured({ ...toStructured(sampleEvent()), priority: '7' }).priority).toBe(7)
  })

  test.each<[attribute: string, fields: Record<string, unknown>]>([
    ['tenant', { tenant: { name: 'acme' } }],
    ['priority', { priority: '10' }],
    ['priority', { priority: '' }],
    ['correlationid', { correlationid: 7 }],
    ['Tenant', { Tenant: 'acme' }],
    ['data_base64', { data_base64: 'AAAA' }],
    ['data_base64', { data: undefined, data_base64: 7 }],
    ['data_base64', { data: undefined, data_base64: '!!!', datacontenttype: 'image/png' }],
    ['data_base64', { data: undefined, data_base64: 'AAAA', datacontenttype: undefined }],
    ['data_base64', { data: undefined, data_base64: 'wyg=' }],
    ['data_base64', { data: undefined, data_base64: 'ew==' }],
  ])('EV-1 names %s when it is wrong (%#)', (attribute, fields) => {
    expect(faultOf(() => fromStructured({ ...toStructured(sampleEvent()), ...fields }))).toMatchObject({
      code: 'ERR_EVENT_INVALID',
      details: { attribute },
    })
  })

  test('takes JSON in base64, as some senders write it', () => {
    const fields = { ...toStructured(sampleEvent()), data: undefined, data_base64: 'eyJjZWxzaXVzIjoyMS41fQ==' }
    expect(fromStructured(fields)).toEqual(sampleEvent())
  })

  test('EV-1 refuses too much data and a foreign source', () => {
    const large = { ...toStructured(sampleEvent()), data: 'a'.repeat(MAX_EVENT_BYTES) }
    expect(faultOf(() => fromJson(JSON.stringify(large))).code).toBe('ERR_EVENT_TOO_LARGE')
    expect(fromJson(toJson(sampleEvent()), { context, agent })).toEqual(sampleEvent())
    const elsewhere = { context: context.replace('K', 'L') }
    expect(faultOf(() => fromJson(toJson(sampleEvent()), elsewhere)).details['attribute']).toBe('source')
  })

  test('cannot be made to change what all objects inherit', () => {
    const json = toJson(sampleEvent()).replace('{', '{"__proto__":{"polluted":"yes"},')
    expect(faultOf(() => fromJson(json)).code).toBe('ERR_EVENT_INVALID')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('writing JSON', () => {
  test('EV-1 refuses data that has no JSON form or is too large', () => {
    expect(faultOf(() => toJson(sampleEvent({ data: 1n }))).code).toBe('ERR_EVENT_INVALID')
    expect(faultOf(() => toJson(sampleEvent({ data: 'a'.repeat(MAX_EVENT_BYTES) }))).code).toBe('ERR_EVENT_TOO_LARGE')
  })
})
