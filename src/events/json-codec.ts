import { fromString } from 'uint8arrays/from-string'
import { toString as encodeBytes } from 'uint8arrays/to-string'
import { AmcpError } from '../core/errors.ts'
import { isAttribute } from './attributes.ts'
import { isJson, jsonOf } from './data.ts'
import type { AmcpEvent } from './event.ts'
import { type ValidateOptions, validateEvent } from './validate-event.ts'

/** Attributes of AmcpEvent that are texts of their own in JSON, in the order they are written. */
const texts = [
  'correlationid',
  'causationid',
  'replyto',
  'traceparent',
  'sequence',
  'partitionkey',
  'expirytime',
] as const
/**
 * An event in CloudEvents' structured JSON form; bytes become `data_base64`, extensions lie beside the attributes.
 * @see CloudEvents JSON event format 1.0.2
 */
export function toStructured(event: AmcpEvent): Record<string, unknown> {
  const { specversion, id, source, type, subject, time, datacontenttype, data, priority } = event
  const out: Record<string, unknown> = { specversion, id, source, type, subject, time, datacontenttype }
  for (const name of texts) if (event[name] !== undefined) out[name] = event[name]
  if (priority !== undefined) out['priority'] = priority
  Object.assign(out, event.extensions)
  if (data instanceof Uint8Array) out['data_base64'] = encodeBytes(data, 'base64pad')
  else out['data'] = data
  return out
}

/** One line of structured JSON. ERR_EVENT_INVALID when the data has no JSON form, ERR_EVENT_TOO_LARGE. */
export function toJson(event: AmcpEvent): string {
  if (!(event.data instanceof Uint8Array)) jsonOf(event.data)
  return JSON.stringify(toStructured(event))
}

/** A validated event of structured JSON. ERR_EVENT_INVALID, naming the attribute; ERR_TOPIC_INVALID, ERR_EVENT_TOO_LARGE. */
export function fromJson(json: string, options?: ValidateOptions): AmcpEvent {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch (cause) {
    throw new AmcpError('ERR_EVENT_INVALID', `this is no JSON: ${(cause as Error).message}`, {
      cause,
      details: { attribute: 'event', reason: 'not JSON' },
    })
  }
  return fromStructured(parsed, options)
}

/** A validated event of a parsed structured CloudEvent, where null is absent. Throws as `fromJson` does. */
export function fromStructured(parsed: unknown, options?: ValidateOptions): AmcpEvent {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new AmcpError('ERR_EVENT_INVALID', 'an event is a JSON object', {
      details: { attribute: 'event', reason: 'not an object' },
    })
  }
  const fields = parsed as Record<string, unknown>
  const event: Record<string, unknown> = {
    specversion: fields['specversion'],
    id: fields['id'],
    source: fields['source'],
    type: fields['type'],
    subject: fields['subject'],
    time: fields['time'],
    datacontenttype: fields['datacontenttype'] ?? 'application/json',
    data: dataOf(fields),
  }
  for (const name of texts) event[name] = fields[name] ?? undefined
  event['priority'] = priorityOf(fields['priority'])
  event['extensions'] = extensionsOf(fields)
  validateEvent(event as unknown as AmcpEvent, options)
  return event as unknown as AmcpEvent
}

/** A header can only be text, so in CloudEvents' binary mode the number arrives as one. */
const priorityOf = (value: unknown): unknown =>
  typeof value === 'string' && /^\d$/.test(value) ? Number(value) : (value ?? undefined)

/** Every value as text: CloudEvents' other types have one canonical text form each. */
function extensionsOf(fields: Record<string, unknown>): Record<string, string> | undefined {
  const found = Object.entries(fields).filter(
    ([name, value]) => !isAttribute(name) && name !== 'data_base64' && value !== null && value !== undefined,
  )
  return found.length === 0 ? undefined : Object.fromEntries(found.map(([name, value]) => [name, textOf(name, value)]))
}

function textOf(name: string, value: unknown): string {
  if (typeof value !== 'object') return String(value)
  throw new AmcpError('ERR_EVENT_INVALID', `the event's ${name} is neither text, number nor boolean`, {
    details: { attribute: name, reason: 'no value of an attribute' },
  })
}

function dataOf(fields: Record<string, unknown>): unknown {
  const base64 = fields['data_base64']
  if (base64 === undefined || base64 === null) return fields['data'] ?? null
  const fault = (reason: string, cause?: unknown): AmcpError =>
    new AmcpError('ERR_EVENT_INVALID', `the event's data_base64 ${reason}`, {
      cause,
      details: { attribute: 'data_base64', reason },
    })
  if (typeof base64 !== 'string') throw fault('is no text')
  if (fields['data'] !== undefined && fields['data'] !== null)
    throw fault('stands beside data: an event has one of them')
  let bytes: Uint8Array
  try {
    bytes = fromString(base64, 'base64pad')
  } catch (cause) {
    throw fault('is no base64', cause)
  }
  const type = fields['datacontenttype']
  if (typeof type === 'string' && !isJson(type)) return bytes
  if (type === undefined) throw fault('needs a datacontenttype')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch (cause) {
    throw fault('is not the JSON in UTF-8 that its datacontenttype promises', cause)
  }
}
