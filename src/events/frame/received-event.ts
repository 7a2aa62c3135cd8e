import type { ContextId } from '../../core/ids.ts'
import { type ImplyingEvent, impliedTrace } from '../cause-chain.ts'
import { UnreadableData } from '../data.ts'
import type { AmcpEvent } from '../event.ts'
import { plainEvent } from '../plain-event.ts'
import { ByteReader } from './byte-reader.ts'
import { strictUtf8 } from './bytes.ts'
import { OptionalAttributes } from './optional-attributes.ts'
import * as flag from './record-flags.ts'
import { formatSequence, formatTime, readTrace, readUuid } from './text-forms.ts'

/** What the events of one frame share. */
export interface FrameSource {
  readonly bytes: Uint8Array
  readonly strings: readonly string[]
  readonly tokens: readonly Uint8Array[]
  readonly publisherId: ContextId
}

/** One record as the frame reader found and checked it. Positions are in the frame's bytes. */
export interface RecordPlace {
  readonly flags: number
  readonly shard: number
  readonly sequence: number
  readonly time: number
  readonly idAt: number
  readonly source: string
  readonly type: string
  readonly subject: string
  /** Index in the frame's table, -1 without a token. */
  readonly token: number
  readonly optionalAt: number
  readonly dataAt: number
  readonly dataEnd: number
  readonly fault: string | undefined
}

/** An event that is less than this part of its frame is worth a copy. */
const SMALL_PART = 4
const NOT_READ: unique symbol = Symbol('not read')
const NO_OPTIONAL: OptionalAttributes = new OptionalAttributes()

/**
 * An event that arrived. It keeps its frame's bytes and decodes an attribute when it is read; `data` once.
 * The frame reader has checked everything else, so only `data` can throw: ERR_EVENT_INVALID when it is no JSON.
 */
export class ReceivedEvent implements ImplyingEvent {
  readonly #frame: FrameSource
  readonly #flags: number
  readonly #idAt: number
  readonly #token: number
  readonly #optionalAt: number
  readonly #dataAt: number
  readonly #dataEnd: number
  readonly #time: number
  #optional: OptionalAttributes | undefined
  #data: unknown = NOT_READ
  readonly source: string
  readonly type: string
  readonly subject: string
  /** Number of the event in (publisher, incarnation, shard). */
  readonly sequenceNumber: number
  readonly shard: number
  /** The attribute that is not as AMCP wants it; undefined when all are. Such an event is to be handed to nobody (EV-1). */
  readonly fault: string | undefined

  constructor(frame: FrameSource, place: RecordPlace) {
    this.#frame = frame
    this.#flags = place.flags
    this.#idAt = place.idAt
    this.#token = place.token
    this.#optionalAt = place.optionalAt
    this.#dataAt = place.dataAt
    this.#dataEnd = place.dataEnd
    this.#time = place.time
    this.source = place.source
    this.type = place.type
    this.subject = place.subject
    this.sequenceNumber = place.sequence
    this.shard = place.shard
    this.fault = place.fault
  }

  get specversion(): '1.0' {
    return '1.0'
  }
  get id(): string {
    return this.#text(this.#rest.id) ?? readUuid(this.#frame.bytes, this.#idAt)
  }
  get time(): string {
    return this.#text(this.#rest.time) ?? formatTime(this.#time)
  }
  /** `time` in ms since 1970; NaN when it is no time. */
  get timestamp(): number {
    const text = this.#text(this.#rest.time)
    return text === undefined ? this.#time : Date.parse(text)
  }
  get datacontenttype(): string {
    return this.#text(this.#rest.contentType) ?? flag.JSON_TYPE
  }
  get correlationid(): string {
    return this.givenCorrelation ?? this.id
  }
  /** As it was written; undefined in the first event of a chain. */
  get givenCorrelation(): string | undefined {
    return this.#uuid(this.#rest.correlation, flag.CORRELATION)
  }
  get causationid(): string | undefined {
    return this.#uuid(this.#rest.causation, flag.CAUSATION)
  }
  get traceparent(): string | undefined {
    return this.givenTrace ?? impliedTrace(this.id, this.correlationid)
  }
  /** As it was written; undefined where it follows from the ids. */
  get givenTrace(): string | undefined {
    const at = this.#rest.trace
    return at >= 0 && this.#form(flag.TRACE) === flag.BINARY ? readTrace(this.#frame.bytes, at) : this.#text(at)
  }
  get replyto(): string | undefined {
    return this.#text(this.#rest.replyTo)
  }
  get sequence(): string {
    return this.#text(this.#rest.sequence) ?? formatSequence(this.sequenceNumber)
  }
  get partitionkey(): string | undefined {
    return this.#text(this.#rest.partitionKey)
  }
  get expirytime(): string | undefined {
    if (this.#flags & flag.EXPIRY) return formatTime(this.#time + this.#rest.expiry)
    return this.#text(this.#rest.expiryText)
  }
  /** `expirytime` in ms since 1970; undefined without one, NaN when it is no time. */
  get expiresAt(): number | undefined {
    if (this.#flags & flag.EXPIRY) return this.#time + this.#rest.expiry
    if ((this.#flags & flag.UNUSUAL) === 0) return undefined
    const text = this.#text(this.#rest.expiryText)
    return text === undefined ? undefined : Date.parse(text)
  }
  get priority(): number | undefined {
    return this.#flags & flag.PRIORITY ? this.#rest.priority : undefined
  }
  get extensions(): Readonly<Record<string, string>> | undefined {
    if (!(this.#flags & flag.EXTENSIONS)) return undefined
    const { bytes, strings } = this.#frame
    const reader = new ByteReader(bytes, this.#rest.extensionsAt, this.#dataAt)
    const extensions: Record<string, string> = {}
    for (let left = this.#rest.extensionCount; left > 0; left--) {
      const name = strings[reader.varint()]!
      extensions[name] = strings[reader.varint()]!
    }
    return extensions
  }
  get data(): unknown {
    if (this.#data === NOT_READ) this.#data = this.#decode()
    return this.#data
  }

  get hasData(): boolean {
    return (this.#flags & flag.NO_DATA) === 0
  }
  /** Whether the data is bytes rather than JSON. */
  get isRaw(): boolean {
    return (this.#flags & flag.RAW_DATA) !== 0
  }
  /** The data as it came: JSON text or raw bytes; a view of the frame. */
  get dataBytes(): Uint8Array {
    return this.#frame.bytes.subarray(this.#dataAt, this.#dataEnd)
  }
  /** The publishing context. */
  get publisher(): ContextId {
    return this.#frame.publisherId
  }
  /** First 16 bytes of the SHA-256 of the sender's token. */
  get tokenHash(): Uint8Array | undefined {
    return this.#frame.tokens[this.#token]
  }

  /** The memory that this event keeps from being freed, the same object for all events of a frame. */
  get frame(): Pick<FrameSource, 'bytes'> {
    return this.#frame
  }

  /** The same event in memory of its own, without the rest of its frame, for who may keep it long. Data is decoded anew. */
  copied(): ReceivedEvent {
    const start = this.#idAt
    const token = this.tokenHash?.slice()
    const frame: FrameSource = {
      bytes: this.#frame.bytes.slice(start, this.#dataEnd),
      strings: this.#ownStrings(),
      tokens: token === undefined ? [] : [token],
      publisherId: this.publisher,
    }
    return new ReceivedEvent(frame, {
      flags: this.#flags,
      shard: this.shard,
      sequence: this.sequenceNumber,
      time: this.#time,
      idAt: 0,
      source: this.source,
      type: this.type,
      subject: this.subject,
      token: token === undefined ? -1 : 0,
      optionalAt: this.#optionalAt - start,
      dataAt: this.#dataAt - start,
      dataEnd: this.#dataEnd - start,
      fault: this.fault,
    })
  }

  /** Whether the event is a small part of what it keeps: then a copy is the cheaper thing to keep. */
  get isSmallPart(): boolean {
    return (this.#dataEnd - this.#idAt) * SMALL_PART < this.#frame.bytes.buffer.byteLength
  }

  toJSON(): AmcpEvent {
    return plainEvent(this)
  }

  get #rest(): OptionalAttributes {
    if ((this.#flags & flag.OPTIONAL) === 0) return NO_OPTIONAL
    if (this.#optional === undefined) {
      this.#optional = new OptionalAttributes()
      const reader = new ByteReader(this.#frame.bytes, this.#optionalAt, this.#dataAt)
      this.#optional.walk(reader, this.#flags, this.#frame.strings)
    }
    return this.#optional
  }

  #text(index: number): string | undefined {
    return index < 0 ? undefined : this.#frame.strings[index]
  }

  /** The frame's table with nothing in it but what this event names. */
  #ownStrings(): readonly string[] {
    const { strings, bytes } = this.#frame
    const own: string[] = []
    const rest = this.#rest
    const { id, time, contentType, sequence, expiryText, replyTo, partitionKey } = rest
    const named = [id, time, contentType, sequence, expiryText, replyTo, partitionKey]
    if (this.#form(flag.CORRELATION) === flag.TEXT) named.push(rest.correlation)
    if (this.#form(flag.CAUSATION) === flag.TEXT) named.push(rest.causation)
    if (this.#form(flag.TRACE) === flag.TEXT) named.push(rest.trace)
    if (rest.extensionCount > 0) {
      const reader = new ByteReader(bytes, rest.extensionsAt, this.#dataAt)
      for (let left = rest.extensionCount * 2; left > 0; left--) named.push(reader.varint())
    }
    for (const at of named) if (at >= 0) own[at] = strings[at]!
    return own
  }

  #form(shift: number): number {
    return (this.#flags >> shift) & 3
  }

  #uuid(at: number, shift: number): string | undefined {
    return at >= 0 && this.#form(shift) === flag.BINARY ? readUuid(this.#frame.bytes, at) : this.#text(at)
  }

  #decode(): unknown {
    if (this.#flags & flag.NO_DATA) return undefined
    if (this.#flags & flag.RAW_DATA) return this.dataBytes
    const text = strictUtf8(this.#frame.bytes, this.#dataAt, this.#dataEnd)
    if (text === undefined) throw new UnreadableData('is not UTF-8')
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw new UnreadableData('is not JSON', cause)
    }
  }
}
