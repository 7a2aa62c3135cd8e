import { plainBytes } from '../../core/plain-bytes.ts'
import { ByteReader, frameInvalid } from './byte-reader.ts'
import { ByteWriter, varintLength } from './byte-writer.ts'

/** A way that events take to one receiver. */
export type Lane = 'gossip' | 'direct'

/** What one end of a direct lane tells the other beside events. Sequences are those of the sender's incarnation. */
export type LinkRecord =
  /** The last sequence sent to this receiver in the shard before this message's frame, or -1: what lies between is not for it. */
  | { readonly kind: 'previous'; readonly shard: number; readonly sequence: number }
  /** Nothing more for this receiver up to and including `sequence`. */
  | { readonly kind: 'nothing-until'; readonly shard: number; readonly sequence: number }
  /**
   * Events of the shard after `sequence` take the other lane. `number` counts the records of changes on this link; nobody
   * reads it yet: it is for a mode in which changes are acknowledged.
   */
  | {
      readonly kind: 'lane'
      readonly number: number
      readonly shard: number
      readonly lane: Lane
      readonly sequence: number
    }
  /** The sender of this record wants, or no longer wants, the shard's events. For that mode, too: it is not sent yet, and passed over on arrival. */
  | { readonly kind: 'interest'; readonly number: number; readonly shard: number; readonly isInterested: boolean }
  /** Since the stream began: bytes of messages taken in, and bytes that the other end may send. Acknowledges cumulatively. */
  | { readonly kind: 'credit'; readonly received: number; readonly granted: number }
  /** Fire-and-forget events from `first` to `last` were dropped because the receiver was slow. */
  | { readonly kind: 'dropped'; readonly shard: number; readonly first: number; readonly last: number }

export interface LinkMessage {
  readonly records: readonly LinkRecord[]
  /** The frame behind the envelope; a view of the message. Undefined for control only. */
  readonly frame: Uint8Array | undefined
}

const CONTROL = 1
const WITH_FRAME = 2

const PREVIOUS = 1
const NOTHING_UNTIL = 2
const LANE = 3
const INTEREST = 4
const CREDIT = 5
const DROPPED = 6
/** From here on a record has its length behind its tag, so that older readers step over it. */
const FIRST_SKIPPABLE = 64

/** Records of one message: a few for each of 4,096 shards. */
const MOST_RECORDS = 16_384

/** More than a record takes. */
const LONGEST_RECORD = 32

/**
 * Collects records and makes envelopes of them. An envelope goes in front of a frame as a part of the same message,
 * so the frame's bytes are not copied and stay the same for every receiver.
 */
export class EnvelopeWriter {
  readonly #out = new ByteWriter(1024)

  get isEmpty(): boolean {
    return this.#out.at === 0
  }

  /** @see LinkRecord; -1 where nothing was sent before */
  previous(shard: number, sequence: number): this {
    return this.#numbers(PREVIOUS, shard, sequence + 1)
  }

  nothingUntil(shard: number, sequence: number): this {
    return this.#numbers(NOTHING_UNTIL, shard, sequence)
  }

  lane(number: number, shard: number, lane: Lane, sequence: number): this {
    return this.#numbers(LANE, number, shard, lane === 'direct' ? 1 : 0, sequence + 1)
  }

  interest(number: number, shard: number, isInterested: boolean): this {
    return this.#numbers(INTEREST, number, shard, isInterested ? 1 : 0)
  }

  credit(received: number, granted: number): this {
    return this.#numbers(CREDIT, received, granted)
  }

  dropped(shard: number, first: number, last: number): this {
    return this.#numbers(DROPPED, shard, first, last - first)
  }

  /** The envelope in fresh memory, to be sent in front of a frame or alone; the writer starts the next one. */
  finish(withFrame: boolean): Uint8Array {
    const length = this.#out.at
    const envelope = new Uint8Array(1 + varintLength(length) + length)
    const records = this.#out.bytes.subarray(0, length)
    envelope.set(records, envelope.length - length)
    envelope[0] = withFrame ? WITH_FRAME : CONTROL
    writeLength(envelope, length)
    this.#out.at = 0
    return envelope
  }

  #numbers(tag: number, a: number, b: number, c = -1, d = -1): this {
    const out = this.#out
    out.ensure(LONGEST_RECORD)
    out.byte(tag)
    out.varint(a)
    out.varint(b)
    if (c >= 0) out.varint(c)
    if (d >= 0) out.varint(d)
    return this
  }
}

function writeLength(envelope: Uint8Array, length: number): void {
  let rest = length
  let at = 1
  for (; rest > 127; rest = Math.floor(rest / 128)) envelope[at++] = (rest & 127) | 128
  envelope[at] = rest
}

/** Whether a message looks like an envelope with one credit record: cheap, since each message is asked. */
export function isLoneCredit(message: Uint8Array): boolean {
  return message[0] === CONTROL && message[2] === CREDIT && message[1] === message.length - 2
}

/** Splits a message of a direct lane. The frame is not looked at. ERR_FRAME_INVALID. */
export function readLinkMessage(message: Uint8Array): LinkMessage {
  const plain = plainBytes(message)
  const outer = new ByteReader(plain, 0, plain.length)
  const kind = outer.byte()
  if (kind !== CONTROL && kind !== WITH_FRAME) throw frameInvalid('message kind')
  const length = outer.varint()
  const from = outer.skip(length)
  const reader = new ByteReader(plain, from, outer.at)
  const records: LinkRecord[] = []
  while (reader.remaining > 0) {
    const record = readRecord(reader)
    if (record !== undefined && records.push(record) > MOST_RECORDS) throw frameInvalid('records')
  }
  if ((kind === WITH_FRAME) !== outer.remaining > 0) throw frameInvalid('message kind')
  return { records, frame: kind === WITH_FRAME ? plain.subarray(outer.at) : undefined }
}

function readRecord(reader: ByteReader): LinkRecord | undefined {
  const tag = reader.byte()
  switch (tag) {
    case PREVIOUS:
      return { kind: 'previous', shard: shardOf(reader), sequence: reader.varint() - 1 }
    case NOTHING_UNTIL:
      return { kind: 'nothing-until', shard: shardOf(reader), sequence: reader.varint() }
    case LANE: {
      const number = reader.varint()
      const shard = shardOf(reader)
      const lane = choice(reader) === 1 ? 'direct' : 'gossip'
      return { kind: 'lane', number, shard, lane, sequence: reader.varint() - 1 }
    }
    case INTEREST:
      return { kind: 'interest', number: reader.varint(), shard: shardOf(reader), isInterested: choice(reader) === 1 }
    case CREDIT:
      return { kind: 'credit', received: reader.varint(), granted: reader.varint() }
    case DROPPED: {
      const shard = shardOf(reader)
      const first = reader.varint()
      const last = first + reader.varint()
      if (last > Number.MAX_SAFE_INTEGER) throw frameInvalid('range')
      return { kind: 'dropped', shard, first, last }
    }
  }
  if (tag < FIRST_SKIPPABLE) throw frameInvalid('record tag')
  reader.skip(reader.varint())
  return undefined
}

function shardOf(reader: ByteReader): number {
  const shard = reader.varint()
  if (shard > 0xffff) throw frameInvalid('shard')
  return shard
}

function choice(reader: ByteReader): number {
  const value = reader.byte()
  if (value > 1) throw frameInvalid('choice')
  return value
}
