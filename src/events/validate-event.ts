import { AmcpError } from '../core/errors.ts'
import type { AmcpEvent } from './event.ts'
import { isRegisteredType } from './event-types.ts'
import { parseSource } from './source.ts'
import { checkTopic } from './topic.ts'

/** Bytes of an event's data; more than that travels another way. */
export const MAX_EVENT_BYTES: number = 256 * 1024

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const rfc3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/
const traceparent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const extensionName = /^[a-z0-9]{1,20}$/
const digits = /^\d{1,20}$/
const mediaType = /^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/

/** CloudEvents' own attributes, AMCP's extensions and what an extension may not be called. */
const known: ReadonlySet<string> = new Set([
  ...['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema', 'data'],
  ...['correlationid', 'causationid', 'replyto', 'traceparent', 'sequence', 'partitionkey', 'expirytime', 'priority'],
])

const invalid = (attribute: string, reason: string): AmcpError =>
  new AmcpError('ERR_EVENT_INVALID', `the event's ${attribute} ${reason}`, { details: { attribute, reason } })

/**
 * Refuses what is not a CloudEvents 1.0 event of AMCP, naming the attribute (EV-1). The official SDK accepts version 1.1
 * and an empty id, so this check is the project's own. ERR_EVENT_INVALID, ERR_TOPIC_INVALID.
 */
export function validateEvent(event: AmcpEvent): void {
  if (event.specversion !== '1.0') throw invalid('specversion', `is ${JSON.stringify(event.specversion)}, not "1.0"`)
  if (typeof event.id !== 'string' || !uuid.test(event.id)) throw invalid('id', 'is no UUID')
  if (typeof event.source !== 'string' || parseSource(event.source) === undefined) {
    throw invalid('source', 'is not amcp://{context}/{agent}')
  }
  if (typeof event.type !== 'string' || !isRegisteredType(event.type))
    throw invalid('type', 'is not in the AMCP registry')
  if (typeof event.subject !== 'string') throw invalid('subject', 'is missing: it is the topic')
  checkTopic(event.subject)
  if (typeof event.time !== 'string' || !rfc3339.test(event.time)) throw invalid('time', 'is no RFC 3339 time')
  validateOptional(event)
  validateData(event)
}

function validateOptional(event: AmcpEvent): void {
  text('correlationid', event.correlationid)
  text('causationid', event.causationid)
  text('partitionkey', event.partitionkey)
  if (event.replyto !== undefined) checkTopic(event.replyto)
  if (event.traceparent !== undefined && !traceparent.test(event.traceparent)) {
    throw invalid('traceparent', 'is no W3C trace context')
  }
  if (event.sequence !== undefined && !digits.test(event.sequence)) throw invalid('sequence', 'is no decimal number')
  if (event.expirytime !== undefined && !rfc3339.test(event.expirytime))
    throw invalid('expirytime', 'is no RFC 3339 time')
  const { priority } = event
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0 && priority <= 9)) {
    throw invalid('priority', 'is no whole number from 0 to 9')
  }
  if (event.extensions === undefined) return
  for (const [name, value] of Object.entries(event.extensions)) {
    if (!extensionName.test(name)) throw invalid(name, 'is no extension name: 1 to 20 lower-case letters and digits')
    if (known.has(name)) throw invalid(name, 'is an attribute of its own, not an extension')
    text(name, value)
  }
}

function text(attribute: string, value: string | undefined): void {
  if (value === undefined) return
  if (typeof value !== 'string' || value === '') throw invalid(attribute, 'is empty or no text')
  if (!value.isWellFormed()) throw invalid(attribute, 'is not valid Unicode')
}

function validateData(event: AmcpEvent): void {
  const { datacontenttype, data } = event
  if (typeof datacontenttype !== 'string' || !mediaType.test(datacontenttype)) {
    throw invalid('datacontenttype', 'is no media type')
  }
  if (data === undefined) throw invalid('data', 'is undefined: JSON has null for nothing')
  const isBytes = data instanceof Uint8Array
  if (!isBytes && !isJson(datacontenttype)) throw invalid('data', `is no Uint8Array, as ${datacontenttype} needs`)
  if (isBytes && isJson(datacontenttype)) throw invalid('datacontenttype', 'says JSON, but the data is bytes')
  if (isBytes) checkSize(data.length)
}

/** Whether a media type is JSON's own or has its suffix. */
export const isJson = (mediaTypeName: string): boolean =>
  mediaTypeName === 'application/json' || /^application\/([\w.-]+\+)?json(\s*;|$)/.test(mediaTypeName)

/** Refuses data above the limit and says how to send more. ERR_EVENT_TOO_LARGE. */
export function checkSize(size: number, limit: number = MAX_EVENT_BYTES): void {
  if (size <= limit) return
  throw new AmcpError(
    'ERR_EVENT_TOO_LARGE',
    `the event's data has ${size} bytes, ${limit} are allowed: split it into several events, or publish where it can be fetched`,
    { details: { size, limit } },
  )
}

/** JSON of an event's data. ERR_EVENT_INVALID for a cycle, a BigInt or what JSON has no form for; ERR_EVENT_TOO_LARGE. */
export function jsonOf(data: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(data)
  } catch (cause) {
    throw new AmcpError(
      'ERR_EVENT_INVALID',
      `the event's data cannot be JSON: ${(cause as Error).message.split('\n')[0]}`,
      {
        cause,
        details: { attribute: 'data', reason: 'not JSON' },
      },
    )
  }
  if (json === undefined) throw invalid('data', `is a ${typeof data}, which JSON has no form for`)
  checkSize(json.length)
  return json
}
