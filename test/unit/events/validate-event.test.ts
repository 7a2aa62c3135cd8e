import { describe, expect, test } from 'vitest'
import type { AmcpError } from '../../../src/core/errors.ts'
import { MAX_ATTRIBUTE_LENGTH, MAX_EXTENSIONS } from '../../../src/events/attribute-forms.ts'
import { MAX_EVENT_BYTES } from '../../../src/events/data.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { validateEvent } from '../../../src/events/validate-event.ts'
import { faultOf } from './fault-of.ts'
import { agent, context, fullEvent, sampleEvent } from './sample-event.ts'

const fault = (event: AmcpEvent): AmcpError => faultOf(() => validateEvent(event))

const cyclic: Record<string, unknown> = { name: 'ring' }
cyclic['self'] = cyclic

describe('validateEvent', () => {
  test('EV-1 takes an event with all attributes, and one with the necessary ones', () => {
    expect(() => validateEvent(fullEvent())).not.toThrow()
    expect(() => validateEvent(sampleEvent())).not.toThrow()
  })

  test.each([['amcp.command.call'], ['amcp.status.battery'], ['amcp.domain.order.placed']])(
    'EV-1 takes the type %s',
    (type) => {
      expect(() => validateEvent(sampleEvent({ type }))).not.toThrow()
    },
  )

  test.each([['2026-11-21T05:00:00Z'], ['2026-11-21T05:00:00.123456789+05:30'], ['2026-12-31T23:59:60Z']])(
    'EV-1 takes the RFC 3339 time %s',
    (time) => {
      expect(() => validateEvent(sampleEvent({ time }))).not.toThrow()
    },
  )

  test.each([
    [new Uint8Array([1, 2, 3]), 'application/octet-stream'],
    [new Uint8Array(MAX_EVENT_BYTES), 'image/png'],
    [null, 'application/json'],
    ['text', 'application/json; charset=utf-8'],
    [[1, 2], 'application/geo+json'],
  ])('EV-1 takes data as JSON or bytes (%#)', (data, datacontenttype) => {
    expect(() => validateEvent(sampleEvent({ data, datacontenttype }))).not.toThrow()
  })

  test.each<[attribute: string, why: string, changes: Record<string, unknown>]>([
    ['specversion', 'version 1.1', { specversion: '1.1' }],
    ['specversion', 'a missing version', { specversion: undefined }],
    ['specversion', 'a version that is a number', { specversion: 1 }],
    ['id', 'an empty id', { id: '' }],
    ['id', 'a missing id', { id: undefined }],
    ['id', 'an id that is no UUID', { id: 'A234-1234-1234' }],
    ['id', 'an id that only begins as a UUID', { id: `${sampleEvent().id}0` }],
    ['source', 'a missing source', { source: undefined }],
    ['source', 'an empty source', { source: '' }],
    ['source', 'a source of another scheme', { source: `https://${context}/${agent}` }],
    ['source', 'a source without an agent', { source: `amcp://${context}` }],
    ['source', 'a source with an agent that is no UUID', { source: `amcp://${context}/me` }],
    ['source', 'a source whose context is no base58', { source: `amcp://${context.replace('K', '0')}/${agent}` }],
    ['type', 'a missing type', { type: undefined }],
    ['type', 'an empty type', { type: '' }],
    ['type', 'a type outside the registry', { type: 'com.example.thing' }],
    ['type', 'an endless type', { type: `amcp.domain.${'x'.repeat(MAX_ATTRIBUTE_LENGTH)}` }],
    ['subject', 'a missing subject', { subject: undefined }],
    ['time', 'a missing time', { time: undefined }],
    ['time', 'a time without a zone', { time: '2026-11-21T05:00:00' }],
    ['time', 'a date alone', { time: '2026-11-21' }],
    ['time', 'the 13th month', { time: '2026-13-21T05:00:00Z' }],
    ['time', 'a time that is a number', { time: 1_795_237_200_000 }],
    ['datacontenttype', 'a missing content type', { datacontenttype: undefined }],
    ['datacontenttype', 'a content type that is none', { datacontenttype: 'json' }],
    ['datacontenttype', 'bytes said to be JSON', { data: new Uint8Array(1) }],
    ['datacontenttype', 'an endless content type', { datacontenttype: `application/json;a=${'x'.repeat(2_000)}` }],
    ['data', 'data that is missing', { data: undefined }],
    ['data', 'JSON said to be something else', { datacontenttype: 'text/plain', data: 'text' }],
    ['data', 'cyclic JSON', { data: cyclic }],
    ['data', 'half a surrogate pair', { data: { name: 'a\ud800b' } }],
    ['correlationid', 'an empty correlation id', { correlationid: '' }],
    ['correlationid', 'a correlation id that is no text', { correlationid: 7 }],
    ['causationid', 'a causation id of broken Unicode', { causationid: '\udc00' }],
    ['partitionkey', 'an endless key', { partitionkey: 'k'.repeat(MAX_ATTRIBUTE_LENGTH + 1) }],
    ['traceparent', 'a trace of zeroes', { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` }],
    ['traceparent', 'a trace that is none', { traceparent: 'trace' }],
    ['traceparent', 'a trace that is no text', { traceparent: 7 }],
    ['sequence', 'a sequence that is no number', { sequence: '-1' }],
    ['sequence', 'a sequence that is no text', { sequence: 1 }],
    ['expirytime', 'an expiry that is no time', { expirytime: 'soon' }],
    ['priority', 'a priority above 9', { priority: 10 }],
    ['priority', 'a priority below 0', { priority: -1 }],
    ['priority', 'half a priority', { priority: 0.5 }],
    ['priority', 'a priority in words', { priority: 'high' }],
    ['Tenant', 'an extension in capitals', { extensions: { Tenant: 'a' } }],
    ['tenant_id', 'an extension with an underscore', { extensions: { tenant_id: 'a' } }],
    ['abcdefghijklmnopqrstu', 'an extension of 21 letters', { extensions: { abcdefghijklmnopqrstu: 'a' } }],
    ['subject', 'an extension named as an attribute', { extensions: { subject: 'a' } }],
    ['priority', "an extension named as one of AMCP's own", { extensions: { priority: '1' } }],
    ['tenant', 'an empty extension', { extensions: { tenant: '' } }],
    ['extensions', 'too many extensions', { extensions: manyExtensions(MAX_EXTENSIONS + 1) }],
  ])('EV-1 names %s when it refuses %s', (attribute, _, changes) => {
    expect(fault(sampleEvent(changes))).toMatchObject({ code: 'ERR_EVENT_INVALID', details: { attribute } })
  })

  test('takes as many extensions as there may be', () => {
    expect(() => validateEvent(sampleEvent({ extensions: manyExtensions(MAX_EXTENSIONS) }))).not.toThrow()
  })

  test.each([
    ['subject', 'amcp.domain..a'],
    ['subject', 'amcp.domain.*'],
    ['replyto', 'amcp.domain.>'],
    ['replyto', ''],
  ])('TP-3 refuses the %s %j as a topic', (attribute, topic) => {
    expect(fault(sampleEvent({ [attribute]: topic }))).toMatchObject({
      code: 'ERR_TOPIC_INVALID',
      message: expect.stringContaining(attribute),
      details: { attribute, topic },
    })
  })

  test.each([[['amcp.domain.r']], [0], [{ toString: 0 }]])(
    'EV-1 refuses %j as replyto, which is no text',
    (replyto) => {
      const error = fault(sampleEvent({ replyto: replyto as never }))
      expect(error).toMatchObject({ code: 'ERR_EVENT_INVALID', details: { attribute: 'replyto' } })
    },
  )

  test('EV-1 refuses bytes over the limit and says how to send more', () => {
    const data = new Uint8Array(MAX_EVENT_BYTES + 1)
    const error = fault(sampleEvent({ data, datacontenttype: 'application/octet-stream' }))
    expect(error).toMatchObject({
      code: 'ERR_EVENT_TOO_LARGE',
      details: { size: MAX_EVENT_BYTES + 1, limit: MAX_EVENT_BYTES },
    })
    expect(error.message).toContain('split it into several events')
  })
})

function manyExtensions(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`ext${index}`, 'a']))
}
