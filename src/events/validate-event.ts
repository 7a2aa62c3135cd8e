import { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
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

const invalid = (attribute: string, reason: string): AmcpError =>
  new AmcpError('ERR_EVENT_INVALID', `the event's ${attribute} ${reason}`, { details: { attribute, reason } })

/** Whose events are expected, where that is known. */
export interface ValidateOptions {
  /** Origin context that the source must name. */
  readonly context?: ContextId
  /** Agent that the source must name. */
  readonly agent?: AgentId
}

/**
 * Refuses what is not a CloudEvents 1.0 event of AMCP, naming the attribute (EV-1). The official SDK accepts version 1.1
 * and an empty id, so this check is the project's own. ERR_EVENT_INVALID, ERR_TOPIC_INVALID, ERR_EVENT_TOO_LARGE.
 */
export function validateEvent(event: AmcpEvent, options?: ValidateOptions): void {
  if (event.specversion !== '1.0') throw invalid('specversion', `is ${JSON.stringify(event.specversion)}, not "1.0"`)
  if (typeof event.id !== 'string' || !isUuid(event.id)) throw invalid('id', 'is no UUID')
  validateSource(event.source, options)
  if (typeof event.type !== 'string' || !isRegisteredType(event.type))
    throw invalid('type', 'is not in the AMCP registry')
  text('type', event.type)
  if (typeof event.subject !== 'string') throw invalid('subject', 'is missing: it is the topic')
  topic('subject', event.subject)
  if (typeof event.time !== 'string' || !isTime(event.time)) throw invalid('time', 'is no RFC 3339 time')
  validateOptional(event)
  validateData(event)
}

function validateSource(source: string, options: ValidateOptions = {}): void {
  const speaker = typeof source === 'string' ? parseSource(source) : undefined
  if (speaker === undefined) throw invalid('source', 'is not amcp://{context}/{agent}')
  if (options.context !== undefined && speaker.context !== options.context) {
    throw invalid('source', `is foreign: it names the context ${speaker.context}, not ${options.context}`)
  }
  if (options.agent !== undefined && speaker.agent !== options.agent) {
    throw invalid('source', `is foreign: it names the agent ${speaker.agent}, not ${options.agent}`)
  }
}

function validateOptional(event: AmcpEvent): void {
  text('correlationid', event.correlationid)
  text('causationid', event.causationid)
  text('partitionkey', event.partitionkey)
  if (event.replyto !== undefined) topic('replyto', event.replyto)
  if (!isAbsentOr(isTraceparent, event.traceparent)) {
    throw invalid('traceparent', 'is no W3C trace context')
  }
  if (!isAbsentOr(isDecimal, event.sequence)) throw invalid('sequence', 'is no decimal number')
  if (!isAbsentOr(isTime, event.expirytime)) throw invalid('expirytime', 'is no RFC 3339 time')
  const { priority } = event
  if (priority !== undefined && !isPriority(priority)) throw invalid('priority', 'is no whole number from 0 to 9')
  if (event.extensions === undefined) return
  const extensions = Object.entries(event.extensions)
  if (extensions.length > MAX_EXTENSIONS) throw invalid('extensions', `are more than ${MAX_EXTENSIONS}`)
  for (const [name, value] of extensions) {
    if (isAttribute(name)) throw invalid(name, 'is an attribute of its own, not an extension')
    if (!isExtensionName(name)) throw invalid(name, 'is no extension name: 1 to 20 lower-case letters and digits')
    text(name, value)
  }
}

function topic(attribute: string, name: string): void {
  if (typeof name !== 'string') throw invalid(attribute, 'is no text')
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
  if (typeof value !== 'string' || value === '') throw invalid(attribute, 'is empty or no text')
  if (!value.isWellFormed()) throw invalid(attribute, 'is not valid Unicode')
  if (value.length > MAX_ATTRIBUTE_LENGTH) throw invalid(attribute, `has more than ${MAX_ATTRIBUTE_LENGTH} characters`)
}

function validateData(event: AmcpEvent): void {
  const { datacontenttype, data } = event
  if (typeof datacontenttype !== 'string' || !isMediaType(datacontenttype)) {
    throw invalid('datacontenttype', 'is no media type')
  }
  text('datacontenttype', datacontenttype)
  if (data === undefined) throw invalid('data', 'is undefined: JSON has null for nothing')
  const isBytes = data instanceof Uint8Array
  if (!isBytes && !isJson(datacontenttype)) throw invalid('data', `is no Uint8Array, as ${datacontenttype} needs`)
  if (isBytes && isJson(datacontenttype)) throw invalid('datacontenttype', 'says JSON, but the data is bytes')
  if (isBytes) checkSize(data.length)
  else checkJsonData(data)
}
