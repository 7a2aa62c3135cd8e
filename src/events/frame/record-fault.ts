import {
  isDecimal,
  isMediaType,
  isPriority,
  isShortText,
  isTime,
  isTraceparent,
  isUuid,
  MAX_EXTENSIONS,
} from '../attribute-forms.ts'
import { isJson } from '../data.ts'
import { isRegisteredType } from '../event-types.ts'
import { isTopic } from '../topic.ts'
import type { OptionalAttributes } from './optional-attributes.ts'
import type { FrameSource, RecordPlace } from './received-event.ts'
import * as flag from './record-flags.ts'
import { isTraceAt, isUuidAt } from './text-forms.ts'

/**
 * The attribute of a record that a publisher would have been refused for (EV-1), undefined when there is none. Source and
 * topic are held against the publisher's rights elsewhere; whether the data is JSON shows when somebody reads it.
 */
export function faultOf(record: RecordPlace, rest: OptionalAttributes, frame: FrameSource): string | undefined {
  const { flags } = record
  if (!isRegisteredType(record.type) || !isShortText(record.type)) return 'type'
  if (flags & flag.NO_DATA) return 'data'
  if ((flags & flag.OPTIONAL) === 0) {
    if (flags & flag.RAW_DATA) return 'datacontenttype'
    return isUuidAt(frame.bytes, record.idAt) ? undefined : 'id'
  }
  return unusualFault(record, rest, frame) ?? optionalFault(flags, rest, frame)
}

function unusualFault(
  { flags, idAt }: RecordPlace,
  { id, time, contentType, sequence, expiryText }: OptionalAttributes,
  { bytes, strings }: FrameSource,
): string | undefined {
  if (id < 0 ? !isUuidAt(bytes, idAt) : !isUuid(strings[id]!)) return 'id'
  if (time >= 0 && !isTime(strings[time]!)) return 'time'
  if (sequence >= 0 && !isDecimal(strings[sequence]!)) return 'sequence'
  if (expiryText >= 0 && !isTime(strings[expiryText]!)) return 'expirytime'
  const isRaw = (flags & flag.RAW_DATA) !== 0
  if (contentType < 0) return isRaw ? 'datacontenttype' : undefined
  const type = strings[contentType]!
  return isMediaType(type) && isShortText(type) && isJson(type) !== isRaw ? undefined : 'datacontenttype'
}

function optionalFault(flags: number, rest: OptionalAttributes, { bytes, strings }: FrameSource): string | undefined {
  const isText = (index: number): boolean => isShortText(strings[index]!)
  if (form(flags, flag.CORRELATION) === flag.TEXT && !isText(rest.correlation)) return 'correlationid'
  if (form(flags, flag.CAUSATION) === flag.TEXT && !isText(rest.causation)) return 'causationid'
  if (rest.partitionKey >= 0 && !isText(rest.partitionKey)) return 'partitionkey'
  if (rest.replyTo >= 0 && !isTopic(strings[rest.replyTo]!)) return 'replyto'
  if (rest.trace >= 0) {
    const isBinary = form(flags, flag.TRACE) === flag.BINARY
    if (!(isBinary ? isTraceAt(bytes, rest.trace) : isTraceparent(strings[rest.trace]!))) return 'traceparent'
  }
  if (rest.priority >= 0 && !isPriority(rest.priority)) return 'priority'
  return rest.hasBadExtension || rest.extensionCount > MAX_EXTENSIONS ? 'extensions' : undefined
}

const form = (flags: number, shift: number): number => (flags >> shift) & 3
