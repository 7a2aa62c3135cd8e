import { AmcpError } from '../../core/errors.ts'
import { isExtensionName } from '../attributes.ts'
import { givenCorrelation, givenTrace } from '../cause-chain.ts'
import { checkSize, jsonOf } from '../data.ts'
import type { AmcpEvent } from '../event.ts'
import { PublishedEvent } from '../published-event.ts'
import type { ByteWriter } from './byte-writer.ts'
import { ReceivedEvent } from './received-event.ts'
import * as flag from './record-flags.ts'
import type { StringDictionary } from './string-dictionary.ts'
import { formatSequence, parseTime, TRACE_BYTES, UUID_BYTES, writeTrace, writeUuid } from './text-forms.ts'

/** More than every part of a record takes that is not text of unknown length. */
const FIXED_PARTS = 256

/** Writes event records one after the other; what a record leaves out is taken from the one before it. */
export class RecordWriter {
  readonly #out: ByteWriter
  readonly #strings: StringDictionary
  /** The last time written in numbers, ms. */
  time = 0

  constructor(out: ByteWriter, strings: StringDictionary) {
    this.#out = out
    this.#strings = strings
  }

  /**
   * @param step sequence minus the shard's previous one in this frame, minus 1
   * @param shard only where it differs from the record before
   * @param token index in the frame's table
   */
  write(event: AmcpEvent, sequence: number, step: number, shard: number | undefined, token: number | undefined): void {
    const out = this.#out
    out.ensure(FIXED_PARTS)
    const start = out.at
    out.at += 2
    let flags = 0
    let unusual = 0
    if (shard !== undefined) {
      flags |= flag.SHARD
      out.varint(shard)
    }
    out.varint(step)
    const time = parseTime(event.time)
    if (time < 0) unusual |= flag.TIME_TEXT
    out.signedVarint(time < 0 ? 0 : time - this.time)
    if (time >= 0) this.time = time
    if (!writeUuid(out.bytes, out.at, event.id)) {
      unusual |= flag.ID_TEXT
      out.bytes.fill(0, out.at, out.at + UUID_BYTES)
    }
    out.at += UUID_BYTES
    this.#index(event.source)
    this.#index(event.type)
    this.#index(event.subject)
    if (token !== undefined) {
      flags |= flag.TOKEN
      out.varint(token)
    }
    if (event.datacontenttype !== flag.JSON_TYPE) unusual |= flag.CONTENT_TYPE
    if (event.sequence !== undefined && event.sequence !== formatSequence(sequence)) unusual |= flag.SEQUENCE_TEXT
    const expiry = event.expirytime === undefined ? -1 : parseTime(event.expirytime)
    if (event.expirytime !== undefined && expiry < 0) unusual |= flag.EXPIRY_TEXT
    if (unusual !== 0) flags |= flag.UNUSUAL
    const isBare = unusual === 0 && event instanceof PublishedEvent && event.isBare
    if (!isBare) flags |= this.#optional(event, unusual, expiry)
    flags |= this.#data(event)
    out.bytes[start] = flags
    out.bytes[start + 1] = flags >>> 8
  }

  #index(text: string): void {
    this.#out.varint(this.#strings.indexOf(text))
  }

  #optional(event: AmcpEvent, unusual: number, expiry: number): number {
    let flags = 0
    if (unusual !== 0) {
      this.#out.byte(unusual)
      if (unusual & flag.ID_TEXT) this.#index(event.id)
      if (unusual & flag.TIME_TEXT) this.#index(event.time)
      if (unusual & flag.CONTENT_TYPE) this.#index(event.datacontenttype)
      if (unusual & flag.SEQUENCE_TEXT) this.#index(event.sequence!)
      if (unusual & flag.EXPIRY_TEXT) this.#index(event.expirytime!)
    }
    // What follows from the event's id is not written.
    const correlation = givenCorrelation(event)
    if (correlation !== undefined) flags |= this.#uuid(correlation) << flag.CORRELATION
    if (event.causationid !== undefined) flags |= this.#uuid(event.causationid) << flag.CAUSATION
    const trace = givenTrace(event)
    if (trace !== undefined) flags |= this.#trace(trace) << flag.TRACE
    if (event.replyto !== undefined) {
      flags |= flag.REPLY_TO
      this.#index(event.replyto)
    }
    if (event.partitionkey !== undefined) {
      flags |= flag.PARTITION_KEY
      this.#index(event.partitionkey)
    }
    if (expiry >= 0) {
      flags |= flag.EXPIRY
      this.#out.signedVarint(expiry - this.time)
    }
    if (event.priority !== undefined) {
      flags |= flag.PRIORITY
      this.#out.byte(priorityOf(event.priority))
    }
    const { extensions } = event
    if (extensions !== undefined) flags |= this.#extensions(extensions)
    return flags
  }

  #uuid(text: string): number {
    const out = this.#out
    if (!writeUuid(out.bytes, out.at, text)) {
      this.#index(text)
      return flag.TEXT
    }
    out.at += UUID_BYTES
    return flag.BINARY
  }

  #trace(text: string): number {
    const out = this.#out
    if (!writeTrace(out.bytes, out.at, text)) {
      this.#index(text)
      return flag.TEXT
    }
    out.at += TRACE_BYTES
    return flag.BINARY
  }

  #extensions(extensions: Readonly<Record<string, string>>): number {
    const out = this.#out
    const names = Object.keys(extensions)
    out.ensure(names.length * 16 + FIXED_PARTS)
    out.varint(names.length)
    for (const name of names) {
      if (!isExtensionName(name)) throw eventInvalid(name, 'is no name of an extension')
      this.#index(name)
      this.#index(extensions[name]!)
    }
    return flag.EXTENSIONS
  }

  #data(event: AmcpEvent): number {
    const out = this.#out
    // A received event's data goes on as the bytes it came in, without being parsed.
    if (event instanceof ReceivedEvent) {
      if (event.hasData) out.block(event.dataBytes)
      return event.hasData ? (event.isRaw ? flag.RAW_DATA : 0) : flag.NO_DATA
    }
    const data = event.data
    if (data === undefined) return flag.NO_DATA
    if (data instanceof Uint8Array) {
      checkSize(data.length)
      out.block(data)
      return flag.RAW_DATA
    }
    out.text(jsonOf(data))
    return 0
  }
}

function priorityOf(priority: number): number {
  if (!Number.isInteger(priority) || priority < 0 || priority > flag.HIGHEST_PRIORITY)
    throw eventInvalid('priority', 'is not a small whole number')
  return priority
}

function eventInvalid(attribute: string, what: string): AmcpError {
  return new AmcpError('ERR_EVENT_INVALID', `${attribute} ${what}`, { details: { attribute } })
}
