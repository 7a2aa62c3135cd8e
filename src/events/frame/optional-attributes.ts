import { isShortText } from '../attribute-forms.ts'
import { isExtensionName } from '../attributes.ts'
import { type ByteReader, frameInvalid } from './byte-reader.ts'
import * as flag from './record-flags.ts'
import { TRACE_BYTES, UUID_BYTES } from './text-forms.ts'

const NONE = -1

/**
 * Where a record's optional attributes are: indexes of the string table, positions of binary forms, -1 for absent ones.
 * The reader walks them once for checking, into one scratch object for all records; a received event walks again
 * when somebody asks, since most optional attributes are never read.
 */
export class OptionalAttributes {
  unusual = 0
  id: number = NONE
  time: number = NONE
  contentType: number = NONE
  sequence: number = NONE
  expiryText: number = NONE
  correlation: number = NONE
  causation: number = NONE
  trace: number = NONE
  replyTo: number = NONE
  partitionKey: number = NONE
  /** Distance to the event's time, ms. */
  expiry = 0
  priority: number = NONE
  extensionCount = 0
  /** Where the pairs of name and value start. */
  extensionsAt = 0
  /** Whether one of the extensions is empty or too long. */
  hasBadExtension = false

  /** Reads from the start of the optional attributes to the data. ERR_FRAME_INVALID for what cannot be. */
  walk(reader: ByteReader, flags: number, strings: readonly string[]): void {
    const count = strings.length
    const unusual = flags & flag.UNUSUAL ? reader.byte() : 0
    if ((flags & flag.UNUSUAL && unusual === 0) || unusual & ~flag.ALL_UNUSUAL) throw frameInvalid('event flags')
    this.unusual = unusual
    this.id = unusual & flag.ID_TEXT ? index(reader, count) : NONE
    this.time = unusual & flag.TIME_TEXT ? index(reader, count) : NONE
    this.contentType = unusual & flag.CONTENT_TYPE ? index(reader, count) : NONE
    this.sequence = unusual & flag.SEQUENCE_TEXT ? index(reader, count) : NONE
    this.expiryText = unusual & flag.EXPIRY_TEXT ? index(reader, count) : NONE
    this.correlation = identifier(reader, (flags >> flag.CORRELATION) & 3, UUID_BYTES, count)
    this.causation = identifier(reader, (flags >> flag.CAUSATION) & 3, UUID_BYTES, count)
    this.trace = identifier(reader, (flags >> flag.TRACE) & 3, TRACE_BYTES, count)
    this.replyTo = flags & flag.REPLY_TO ? index(reader, count) : NONE
    this.partitionKey = flags & flag.PARTITION_KEY ? index(reader, count) : NONE
    this.expiry = flags & flag.EXPIRY ? reader.signedVarint() : 0
    if (flags & flag.EXPIRY && unusual & flag.EXPIRY_TEXT) throw frameInvalid('event flags')
    this.priority = flags & flag.PRIORITY ? reader.byte() : NONE
    this.extensionCount = flags & flag.EXTENSIONS ? reader.varint() : 0
    this.extensionsAt = reader.at
    this.hasBadExtension = false
    for (let left = this.extensionCount; left > 0; left--) {
      if (!isExtensionName(strings[index(reader, count)]!)) throw frameInvalid('extension name')
      if (!isShortText(strings[index(reader, count)]!)) this.hasBadExtension = true
    }
  }
}

function index(reader: ByteReader, count: number): number {
  const value = reader.varint()
  if (value >= count) throw frameInvalid('string index')
  return value
}

/** A string's index or the position of the binary form, whichever the form says. */
function identifier(reader: ByteReader, form: number, length: number, count: number): number {
  if (form === flag.ABSENT) return NONE
  if (form === flag.BINARY) return reader.skip(length)
  if (form === flag.TEXT) return index(reader, count)
  throw frameInvalid('event flags')
}
