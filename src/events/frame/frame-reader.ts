import type { Crypto } from '../../core/crypto.ts'
import { type ContextId, contextIdOf } from '../../core/ids.ts'
import { plainBytes } from '../../core/plain-bytes.ts'
import { ByteReader, frameInvalid } from './byte-reader.ts'
import { bytes as byteFunctions, equalBytes } from './bytes.ts'
import { readUint32 } from './fixed-width.ts'
import { decodeHeader, type FrameHeader, HASH_LENGTH, SIGNATURE_LENGTH } from './frame-header.ts'
import type { FrameSource, ReceivedEvent } from './received-event.ts'
import { SHORTEST_RECORD } from './record-flags.ts'
import { readRecords } from './record-reader.ts'
import { internedText } from './string-intern.ts'

/** Context ids by their key: base58 costs more than reading a frame. */
const knownContexts = new Map<string, ContextId>()
const MOST_CONTEXTS = 4096

function contextOf(publicKey: Uint8Array): ContextId {
  const key = byteFunctions.readLatin1(publicKey, 0, publicKey.length)
  const known = knownContexts.get(key)
  if (known !== undefined) return known
  if (knownContexts.size >= MOST_CONTEXTS) knownContexts.clear()
  const id = contextIdOf(publicKey)
  knownContexts.set(key, id)
  return id
}

/** Credentials, or hashes of them, in one frame: empty ones would take a byte each and cost a view. */
export const MOST_CREDENTIALS = 512
/** Texts in one frame: what fits in a MiB with the records that name them. */
const MOST_STRINGS = 65_536

/** Where the parts of a body are. */
interface BodyParts extends FrameSource {
  readonly credentials: readonly Uint8Array[]
  readonly recordsAt: number
  readonly recordsEnd: number
}

/** A frame as it came. Nothing of its body is looked at before it is asked for; then ERR_FRAME_INVALID if it is malformed. */
export class Frame {
  /** The whole frame; its events keep views of it. */
  readonly bytes: Uint8Array
  readonly header: FrameHeader
  readonly #bodyAt: number
  #parts: BodyParts | undefined
  #events: readonly ReceivedEvent[] | undefined
  #digest: Uint8Array | undefined
  #publisher: ContextId | undefined

  constructor(bytes: Uint8Array, header: FrameHeader, bodyAt: number) {
    this.bytes = bytes
    this.header = header
    this.#bodyAt = bodyAt
  }

  get publisher(): ContextId {
    this.#publisher ??= contextOf(this.header.publisher)
    return this.#publisher
  }

  get signature(): Uint8Array | undefined {
    return this.header.isSigned ? this.bytes.subarray(this.header.bytes.length, this.#bodyAt) : undefined
  }

  get body(): Uint8Array {
    return this.bytes.subarray(this.#bodyAt)
  }

  /** SHA-256 of the header: what is signed, and what the next frame of the chain names as its predecessor. */
  headerDigest(crypto: Crypto): Uint8Array {
    this.#digest ??= crypto.sha256(this.header.bytes)
    return this.#digest
  }

  /** Whether the publisher signed the header; false for unsigned frames. */
  verifySignature(crypto: Crypto): boolean {
    const signature = this.signature
    return signature !== undefined && crypto.verify(this.header.publisher, this.headerDigest(crypto), signature)
  }

  /** Whether the body is the one that the header names; true for unsigned frames, which name none. */
  verifyBody(crypto: Crypto): boolean {
    const digest = this.header.bodyDigest
    return digest === undefined || equalBytes(crypto.sha256(this.body), digest)
  }

  /** Credentials sent in full with this frame: views of it. */
  credentials(): readonly Uint8Array[] {
    return this.#body().credentials
  }

  /** First 16 bytes of the SHA-256 of each token that the events name. */
  tokenHashes(): readonly Uint8Array[] {
    return this.#body().tokens
  }

  /** All events, with their data undecoded. */
  events(): readonly ReceivedEvent[] {
    if (this.#events === undefined) {
      const body = this.#body()
      this.#events = readRecords(body, this.header, new ByteReader(this.bytes, body.recordsAt, body.recordsEnd))
    }
    return this.#events
  }

  #body(): BodyParts {
    this.#parts ??= this.#split()
    return this.#parts
  }

  #split(): BodyParts {
    const { bytes, header } = this
    const front = new ByteReader(bytes, this.#bodyAt, bytes.length)
    const stringsAt = this.#bodyAt + readUint32(bytes, front.skip(4))
    if (stringsAt > bytes.length) throw frameInvalid('string table')
    const credentials: Uint8Array[] = []
    for (let left = counted(front, 1, MOST_CREDENTIALS); left > 0; left--) credentials.push(front.view(front.varint()))
    const tokens: Uint8Array[] = []
    for (let left = counted(front, HASH_LENGTH, MOST_CREDENTIALS); left > 0; left--)
      tokens.push(front.view(HASH_LENGTH))
    if (front.at + header.eventCount * SHORTEST_RECORD > stringsAt) throw frameInvalid('event count')
    const table = new ByteReader(bytes, stringsAt, bytes.length)
    const count = counted(table, 1, MOST_STRINGS)
    const strings: string[] = []
    for (let left = count; left > 0; left--) strings.push(internedText(table))
    if (table.remaining > 0) throw frameInvalid('trailing bytes')
    return {
      bytes,
      strings,
      tokens,
      credentials,
      publisherId: this.publisher,
      recordsAt: front.at,
      recordsEnd: stringsAt,
    }
  }
}

/** A count whose items take at least `least` bytes each, so that a lie cannot ask for memory; and no more than a frame can use. */
function counted(reader: ByteReader, least: number, most: number): number {
  const count = reader.varint()
  if (count > most || count * least > reader.remaining) throw frameInvalid('count')
  return count
}

/**
 * Reads a frame's header and checks version, flags and that all lengths add up to `bytes`; hashes nothing.
 * The bytes must not be changed afterwards. ERR_FRAME_INVALID with details.reason.
 */
export function readFrame(bytes: Uint8Array): Frame {
  const plain = plainBytes(bytes)
  const header = decodeHeader(plain)
  const bodyAt = header.bytes.length + (header.isSigned ? SIGNATURE_LENGTH : 0)
  if (bodyAt + header.bodyLength !== plain.length) throw frameInvalid('body length')
  return new Frame(plain, header, bodyAt)
}
