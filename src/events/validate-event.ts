import { AmcpError } from '../core/errors.ts'
import {
  isDecimal,
  isMediaType,
  isPriority,
  isTime,
  isTraceparent,
  isUuid,
  MAX_ATTRIBUTE_LENGTH,
  MAX_EXTENSIONS,
} from './attribute-forms.ts'
import { isAttribute, isExtensionName } from './attributes.ts'
import { checkJsonData, checkSize, isJson } from './data.ts'
import type { AmcpEvent } from './event.ts'
import { isRegisteredType } from './event-types.ts'
import { parseSource } from './source.ts'
import { checkTopic } from './topic.ts'

/** ERR_EVENT_INVALID in the words that all rules for events share. */
export const invalidAttribute = (attribute: string, reason: string, cause?: unknown): AmcpError =>
  new AmcpError('ERR_EVENT_INVALID', `the event's ${attribute} ${reason}`, { cause, details: { attribute, reason } })

/**
 * Refuses what is not a CloudEvents 1.0 event of AMCP, naming the attribute (EV-1). The official SDK accepts version 1.1
 * and an empty id, so this check is the project's own. ERR_EVENT_INVALID, ERR_TOPIC_INVALID, ERR_EVENT_TOO_LARGE.
 */
export function validateEvent(event: AmcpEvent): void {
  if (event.specversion !== '1.0')
    throw invalidAttribute('specversion', `is ${JSON.stringify(event.specversion)}, not "1.0"`)
  if (typeof event.id !== 'string' || !isUuid(event.id)) throw invalidAttribute('id', 'is no UUID')
  if (typeof event.source !== 'string' || parseSource(event.source) === undefined)
    throw invalidAttribute('source', 'is not amcp://{context}/{agent}')
  if (typeof event.type !== 'string' || !isRegisteredType(event.type))
    throw invalidAttribute('type', 'is not in the AMCP registry; below amcp.domain. names are free')
  text('type', event.type)
  if (typeof event.subject !== 'string') throw invalidAttribute('subject', 'is missing: it is the topic')
  topic('subject', event.subject)
  if (typeof event.time !== 'string' || !isTime(event.time)) throw invalidAttribute('time', 'is no RFC 3339 time')
  validateOptional(event)
  validateData(event)
}

function validateOptional(event: AmcpEvent): void {
  text('correlationid', event.correlationid)
  text('causationid', event.causationid)
  text('partitionkey', event.partitionkey)
  if (event.replyto !== undefined) topic('replyto', event.replyto)
  if (!isAbsentOr(isTraceparent, event.traceparent)) {
    throw invalidAttribute('traceparent', 'is no W3C trace context')
  }
  if (!isAbsentOr(isDecimal, event.sequence)) throw invalidAttribute('sequence', 'is no decimal number')
  if (!isAbsentOr(isTime, event.expirytime)) throw invalidAttribute('expirytime', 'is no RFC 3339 time')
  const { priority } = event
  if (priority !== undefined && !isPriority(priority))
    throw invalidAttribute('priority', 'is no whole number from 0 to 9')
  if (event.extensions === undefined) return
  const extensions = Object.entries(event.extensions)
  if (extensions.length > MAX_EXTENSIONS) throw invalidAttribute('extensions', `are more than ${MAX_EXTENSIONS}`)
  for (const [name, value] of extensions) {
    if (isAttribute(name)) throw invalidAttribute(name, 'is an attribute of its own, not an extension')
    if (!isExtensionName(name))
      throw invalidAttribute(name, 'is no extension name: 1 to 20 lower-case letters and digits')
    text(name, value)
  }
}

function topic(attribute: string, name: string): void {
  if (typeof name !== 'string') throw invalidAttribute(attribute, 'is no text')
  try {
    checkTopic(name)
  } catch (cause) {
    const { code, message, details } = cause as AmcpError
    throw new AmcpError(code, `the event's ${attribute}: ${message}`, { cause, details: { attribute, ...details } })
  }
}

const isAbsentOr = (isForm: (text: string) => boolean, value: string | undefined): boolean =>
  value === undefined || (typeof value === 'string' && isForm(value))

function text(attribute: string, value: string | undefined): void {
  if (value === undefined) return
  if (typeof value !== 'string' || value === '') throw invalidAttribute(attribute, 'is empty or no text')
  if (!value.isWellFormed()) throw invalidAttribute(attribute, 'is not valid Unicode')
  if (value.length > MAX_ATTRIBUTE_LENGTH)
    throw invalidAttribute(attribute, `has more than ${MAX_ATTRIBUTE_LENGTH} characters`)
}

function validateData(event: AmcpEvent): void {
  const { datacontenttype, data } = event
  if (typeof datacontenttype !== 'string' || !isMediaType(datacontenttype)) {
    throw invalidAttribute('datacontenttype', 'is no media type')
  }
  text('datacontenttype', datacontenttype)
  if (data === undefined) throw invalidAttribute('data', 'is undefined: JSON has null for nothing')
  const isBytes = data instanceof Uint8Array
  if (!isBytes && !isJson(datacontenttype))
    throw invalidAttribute('data', `is no Uint8Array, as ${datacontenttype} needs`)
  if (isBytes && isJson(datacontenttype)) throw invalidAttribute('datacontenttype', 'says JSON, but the data is bytes')
  if (isBytes) checkSize(data.length)
  else checkJsonData(data)
}
