import type { Crypto } from '../../core/crypto.ts'
import { AmcpError } from '../../core/errors.ts'
import type { AmcpEvent } from '../event.ts'
import { ByteWriter, varintLength } from './byte-writer.ts'
import { bytes } from './bytes.ts'
import { writeUint32 } from './fixed-width.ts'
import {
  encodeHeader,
  type FrameFields,
  HASH_LENGTH,
  headerLengthOf,
  LONGEST_HEADER,
  SIGNATURE_LENGTH,
} from './frame-header.ts'
import { RecordWriter } from './record-writer.ts'
import { StringDictionary } from './string-dictionary.ts'

export interface FrameWriterOptions {
  readonly crypto: Crypto
  /**
   * Bytes that a frame of several events may have. Larger ones cost fresh pages of memory, smaller ones more signatures.
   * @default 65_536
   */
  readonly target?: number
  /** Bytes that a frame of one event may have. @default 1_048_576 */
  readonly largest?: number
}

/** What `finish` adds to the header's fields. */
export interface FinishFields extends FrameFields {
  /** Credentials to send in full with this frame. They are not counted in `size`. */
  readonly credentials?: readonly Uint8Array[] | undefined
}

/** Signs a header's digest, 32 bytes, with the publisher's key: 64 bytes. */
export type FrameSigner = (headerDigest: Uint8Array) => Uint8Array

/** Room kept in front of the records, so that header, signature and a few credentials need no moving of records. */
const FRONT = 8192
const MOST_EVENTS = 0xffff
const HIGHEST_SHARD = 0xffff
/** A writer that had to grow beyond this gives the memory back. */
const KEPT_CAPACITY = 524_288

/** Collects events and makes frames of them; memory and dictionary serve frame after frame. */
export class FrameWriter {
  readonly #crypto: Crypto
  readonly #target: number
  readonly #largest: number
  readonly #strings = new StringDictionary()
  #out: ByteWriter
  #records: RecordWriter
  readonly #tokens: Uint8Array[] = []
  /** Last sequence by shard in this frame. */
  readonly #sequences = new Map<number, number>()
  #count = 0
  #firstShard = 0
  #shard = 0
  #isMixed = false
  #headerDigest: Uint8Array | undefined

  constructor(options: FrameWriterOptions) {
    this.#crypto = options.crypto
    this.#target = options.target ?? 65_536
    this.#largest = options.largest ?? 1_048_576
    this.#out = new ByteWriter(FRONT + this.#target * 2)
    this.#records = new RecordWriter(this.#out, this.#strings)
    this.#out.at = FRONT
  }

  /** Events in the frame so far. */
  get count(): number {
    return this.#count
  }

  /** Bytes that the frame would have, at most, without credentials. */
  get size(): number {
    return (
      this.#out.at -
      FRONT +
      this.#strings.size +
      this.#tokens.length * HASH_LENGTH +
      LONGEST_HEADER +
      SIGNATURE_LENGTH +
      16
    )
  }

  /** Whether the events so far are of several shards: then the frame can only go on a link. */
  get isMixed(): boolean {
    return this.#isMixed
  }

  /** SHA-256 of the header of the last signed frame: the `predecessor` of the next one in its chain. */
  get headerDigest(): Uint8Array | undefined {
    return this.#headerDigest
  }

  /**
   * Adds an event, or returns false when the frame is full: finish it, then add again. The first event always fits.
   * @param sequence rises within the shard, else RangeError
   * @param token first 16 bytes of the SHA-256 of the sender's token; pass the same array for the same token
   * Throws ERR_EVENT_TOO_LARGE, and ERR_EVENT_INVALID for data or attributes that cannot be written; the frame is as before.
   */
  add(event: AmcpEvent, sequence: number, shard: number, token: Uint8Array | undefined): boolean {
    if (this.#count === MOST_EVENTS) return false
    const previous = this.#sequences.get(shard) ?? -1
    if (!Number.isSafeInteger(sequence) || sequence <= previous)
      throw new RangeError(`sequence ${sequence} does not follow ${previous} in shard ${shard}`)
    if (!Number.isInteger(shard) || shard < 0 || shard > HIGHEST_SHARD) throw new RangeError(`not a shard: ${shard}`)
    const start = this.#out.at
    const strings = this.#strings.count
    const tokens = this.#tokens.length
    const time = this.#records.time
    let isTaken = false
    try {
      const isSame = this.#count === 0 || shard === this.#shard
      this.#records.write(event, sequence, sequence - previous - 1, isSame ? undefined : shard, this.#tokenIndex(token))
      isTaken = this.#fits()
      if (isTaken && !isSame) this.#isMixed = true
    } finally {
      if (!isTaken) {
        this.#out.at = start
        this.#strings.rollback(strings)
        this.#tokens.length = tokens
        this.#records.time = time
      }
    }
    if (!isTaken) return false
    if (this.#count++ === 0) this.#firstShard = shard
    this.#shard = shard
    this.#sequences.set(shard, sequence)
    return true
  }

  #fits(): boolean {
    const size = this.size
    if (size <= this.#target) return true
    if (this.#count > 0) return false
    if (size > this.#largest)
      throw new AmcpError(
        'ERR_EVENT_TOO_LARGE',
        `an event of ${size} bytes is more than the ${this.#largest} of a frame: put what is large into its data`,
        { details: { size, limit: this.#largest } },
      )
    return true
  }

  #tokenIndex(token: Uint8Array | undefined): number | undefined {
    if (token === undefined) return undefined
    const known = this.#tokens.lastIndexOf(token)
    if (known >= 0) return known
    if (token.length !== HASH_LENGTH)
      throw new RangeError(`a token's hash has ${HASH_LENGTH} bytes, got ${token.length}`)
    return this.#tokens.push(token) - 1
  }

  /**
   * Makes the frame, in memory of its own, and starts the next one. Signed when `fields.chain` is set: then `signer` is needed (TypeError).
   * RangeError for fields that no frame may have. When it throws beyond the TypeError, the events are gone.
   */
  finish(fields: FinishFields, signer?: FrameSigner): Uint8Array {
    if ((fields.chain === undefined) !== (signer === undefined)) throw new TypeError('a frame in a chain has a signer')
    try {
      return this.#assemble(fields, signer)
    } finally {
      this.reset()
    }
  }

  #assemble(fields: FinishFields, signer: FrameSigner | undefined): Uint8Array {
    const out = this.#out
    const credentials = fields.credentials ?? []
    const stringsAt = out.at
    const headerLength = headerLengthOf(fields)
    const bodyFront = this.#bodyFront(credentials)
    const front = headerLength + (signer ? SIGNATURE_LENGTH : 0) + bodyFront
    this.#strings.writeTo(out)
    const shift = Math.max(0, front - FRONT)
    if (shift > 0) {
      out.ensure(shift)
      out.bytes.copyWithin(FRONT + shift, FRONT, out.at)
    }
    const end = out.at + shift
    const bodyStart = FRONT + shift - bodyFront
    out.at = bodyStart + 4
    writeUint32(out.bytes, bodyStart, stringsAt + shift - bodyStart)
    out.varint(credentials.length)
    for (const credential of credentials) {
      out.varint(credential.length)
      out.raw(credential)
    }
    out.varint(this.#tokens.length)
    for (const token of this.#tokens) out.raw(token)
    const start = FRONT + shift - front
    const headerEnd = start + headerLength
    const body = out.bytes.subarray(bodyStart, end)
    const contents = {
      shard: this.#firstShard,
      isMixed: this.#isMixed,
      eventCount: this.#count,
      bodyLength: body.length,
    }
    encodeHeader(out.bytes, start, fields, contents, signer ? this.#crypto.sha256(body) : undefined)
    if (signer) {
      this.#headerDigest = this.#crypto.sha256(out.bytes.subarray(start, headerEnd))
      out.bytes.set(signer(this.#headerDigest), headerEnd)
    }
    return copyOf(out.bytes, start, end)
  }

  #bodyFront(credentials: readonly Uint8Array[]): number {
    let length =
      4 + varintLength(credentials.length) + varintLength(this.#tokens.length) + this.#tokens.length * HASH_LENGTH
    for (const credential of credentials) length += varintLength(credential.length) + credential.length
    return length
  }

  /** Forgets the events added since the last frame. */
  reset(): void {
    this.#strings.reset()
    this.#tokens.length = 0
    this.#sequences.clear()
    this.#count = 0
    this.#firstShard = 0
    this.#isMixed = false
    if (this.#out.bytes.length > Math.max(KEPT_CAPACITY, FRONT + this.#target * 2)) {
      this.#out = new ByteWriter(FRONT + this.#target * 2)
      this.#records = new RecordWriter(this.#out, this.#strings)
    }
    this.#records.time = 0
    this.#out.at = FRONT
  }
}

function copyOf(source: Uint8Array, start: number, end: number): Uint8Array {
  const copy = bytes.allocate(end - start)
  copy.set(source.subarray(start, end))
  return copy
}
