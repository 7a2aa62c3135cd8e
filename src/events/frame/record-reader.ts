import { MAX_EVENT_BYTES } from '../data.ts'
import { type ByteReader, frameInvalid } from './byte-reader.ts'
import type { FrameHeader } from './frame-header.ts'
import { OptionalAttributes } from './optional-attributes.ts'
import { type FrameSource, ReceivedEvent, type RecordPlace } from './received-event.ts'
import { faultOf } from './record-fault.ts'
import * as flag from './record-flags.ts'
import { LATEST_TIME, UUID_BYTES } from './text-forms.ts'

/** The same object for every record: the event copies what it needs. */
const place: { -readonly [Part in keyof RecordPlace]: RecordPlace[Part] } = {
  flags: 0,
  shard: 0,
  sequence: 0,
  time: 0,
  idAt: 0,
  source: '',
  type: '',
  subject: '',
  token: -1,
  optionalAt: 0,
  dataAt: 0,
  dataEnd: 0,
  fault: undefined,
}
const scratch = new OptionalAttributes()

/**
 * Reads all records and checks everything but the data. ERR_FRAME_INVALID for what cannot be read; an attribute that can
 * be read, but is not as AMCP wants it, is the fault of its event alone.
 */
export function readRecords(frame: FrameSource, header: FrameHeader, reader: ByteReader): ReceivedEvent[] {
  const { strings, tokens } = frame
  const count = header.eventCount
  const events: ReceivedEvent[] = new Array(count)
  /** Last sequence of the shards that were left; most frames have one shard only. */
  const left = header.isMixed ? new Map<number, number>() : undefined
  let shard = header.shard
  let sequence = -1
  let time = 0
  for (let n = 0; n < count; n++) {
    const flags = reader.byte() | (reader.byte() << 8)
    if (flags & flag.RAW_DATA && flags & flag.NO_DATA) throw frameInvalid('event flags')
    if (flags & flag.SHARD) {
      if (left === undefined || n === 0) throw frameInvalid('shard')
      left.set(shard, sequence)
      shard = reader.varint()
      if (shard > 0xffff) throw frameInvalid('shard')
      sequence = left.get(shard) ?? -1
    }
    sequence += reader.varint() + 1
    if (sequence > Number.MAX_SAFE_INTEGER) throw frameInvalid('sequence')
    time += reader.signedVarint()
    if (time < 0 || time > LATEST_TIME) throw frameInvalid('time')
    place.flags = flags
    place.shard = shard
    place.sequence = sequence
    place.time = time
    place.idAt = reader.skip(UUID_BYTES)
    place.source = stringAt(strings, reader)
    place.type = stringAt(strings, reader)
    place.subject = stringAt(strings, reader)
    place.token = flags & flag.TOKEN ? reader.varint() : -1
    if (place.token >= tokens.length) throw frameInvalid('token index')
    place.optionalAt = reader.at
    scratch.walk(reader, flags, strings)
    const expiry = time + scratch.expiry
    if (expiry < 0 || expiry > LATEST_TIME) throw frameInvalid('time')
    const length = flags & flag.NO_DATA ? 0 : reader.varint()
    if (length > MAX_EVENT_BYTES) throw frameInvalid('data length')
    place.dataAt = reader.skip(length)
    place.dataEnd = reader.at
    place.fault = faultOf(place, scratch, frame)
    events[n] = new ReceivedEvent(frame, place)
  }
  if (reader.remaining > 0) throw frameInvalid('trailing bytes')
  return events
}

function stringAt(strings: readonly string[], reader: ByteReader): string {
  const text = strings[reader.varint()]
  if (text === undefined) throw frameInvalid('string index')
  return text
}
