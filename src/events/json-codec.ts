import { fromString } from 'uint8arrays/from-string'
import { toString as encodeBytes } from 'uint8arrays/to-string'
import { isTime } from './attribute-forms.ts'
import { isAttribute, isKept } from './attributes.ts'
import { isJson } from './data.ts'
import type { AmcpEvent } from './event.ts'
import type { PublishOptions } from './published-event.ts'
import { invalidAttribute } from './validate-event.ts'

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
 * ERR_EVENT_INVALID for an event that arrived with data that is no JSON.
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

/** What a context publishes of a CloudEvent that somebody else made. */
export interface ForeignEvent {
  /** Its subject, which CloudEvents allows to be absent. */
  readonly topic: string | undefined
  readonly data: unknown
  /** The author's attributes and extensions. Their values are checked when they are published. */
  readonly options: PublishOptions
}

/** All that a URI reference may consist of. */
const uriReference = /^[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/

/**
 * Reads a parsed structured CloudEvent of whoever made it, where null is absent. Here is checked that it is a CloudEvent
 * of version 1.0 and what the publishing context gives anew (`attributes.ts`: id, source, time and so on); what it keeps
 * is checked by the rules for all events when it is published. ERR_EVENT_INVALID, naming the attribute.
 */
export function fromStructured(parsed: object): ForeignEvent {
  const fields = Object.fromEntries(Object.entries(parsed).filter(([, value]) => value !== null && value !== undefined))
  const { specversion, time, dataschema, datacontenttype = 'application/json' } = fields
  if (specversion !== '1.0') throw invalidAttribute('specversion', `is ${JSON.stringify(specversion)}, not "1.0"`)
  for (const name of ['id', 'source', 'type']) nonEmptyText(name, fields[name])
  if (!uriReference.test(String(fields['source']))) throw invalidAttribute('source', 'is no URI reference')
  if (fields['subject'] !== undefined) nonEmptyText('subject', fields['subject'])
  if (time !== undefined && !(typeof time === 'string' && isTime(time)))
    throw invalidAttribute('time', 'is no RFC 3339 time')
  if (dataschema !== undefined) throw invalidAttribute('dataschema', 'has no place in an AMCP event: leave it out')
  if (typeof datacontenttype !== 'string') throw invalidAttribute('datacontenttype', 'is no media type')
  const extensions = extensionsOf(fields)
  const kept = Object.entries(fields).filter(([name]) => isKept(name))
  return {
    topic: fields['subject'],
    data: dataOf(fields, datacontenttype),
    options: {
      ...Object.fromEntries(kept),
      ...(fields['priority'] !== undefined && { priority: numberOf(fields['priority']) }),
      ...(extensions !== undefined && { extensions }),
    },
  }
}

function nonEmptyText(attribute: string, value: unknown): void {
  if (value === undefined) throw invalidAttribute(attribute, 'is missing')
  if (typeof value !== 'string' || value === '') throw invalidAttribute(attribute, 'is empty or no text')
}

/** In CloudEvents' binary mode a header can only be text, so the number arrives as one. */
const numberOf = (value: unknown): number =>
  typeof value === 'string' && /^\d$/.test(value) ? Number(value) : (value as number)

/** Every value as text: CloudEvents' other types have one canonical text form each. */
function extensionsOf(fields: Readonly<Record<string, unknown>>): Record<string, string> | undefined {
  const found = Object.entries(fields).filter(([name]) => !isAttribute(name) && name !== 'data_base64')
  return found.length === 0 ? undefined : Object.fromEntries(found.map(([name, value]) => [name, textOf(name, value)]))
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  // CloudEvents' integers have 32 bits.
  if (typeof value === 'boolean' || (typeof value === 'number' && value === (value | 0))) return String(value)
  throw invalidAttribute(name, 'is neither text nor boolean nor a whole number of 32 bits')
}

function dataOf({ data, data_base64: base64 }: Readonly<Record<string, unknown>>, mediaType: string): unknown {
  if (base64 === undefined) return isJson(mediaType) ? (data ?? null) : bytesOfText(data, mediaType)
  if (data !== undefined) throw invalidAttribute('data_base64', 'stands beside data: an event has one of them')
  const bytes = bytesOf(base64)
  if (!isJson(mediaType)) return bytes
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch (cause) {
    throw invalidAttribute('data_base64', `is not the JSON in UTF-8 that ${mediaType} promises`, cause)
  }
}

/** Data that is no JSON and no base64 is text (3.1.1 of the format); where there is none, no bytes. */
function bytesOfText(data: unknown, mediaType: string): Uint8Array {
  if (data === undefined) return new Uint8Array()
  if (typeof data !== 'string') throw invalidAttribute('data', `is no text, and ${mediaType} is no JSON`)
  return new TextEncoder().encode(data)
}

function bytesOf(base64: unknown): Uint8Array {
  if (typeof base64 !== 'string') throw invalidAttribute('data_base64', 'is no text')
  try {
    return fromString(base64, 'base64pad')
  } catch (cause) {
    throw invalidAttribute('data_base64', 'is no base64', cause)
  }
}
