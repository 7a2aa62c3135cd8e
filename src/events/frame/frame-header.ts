import { frameInvalid } from './byte-reader.ts'
import { readUint48, writeUint48 } from './fixed-width.ts'

/** Which sequence of signed frames a frame belongs to; `none` for unsigned frames. */
export type ChainKind = 'none' | 'gossip' | 'log' | 'link'

/** A signed frame's place in its chain. */
export type ChainPlace = ChainLink &
  ({ kind: 'gossip' } | { kind: 'log'; logId: Uint8Array; offset: number } | { kind: 'link'; receiver: Uint8Array })

interface ChainLink {
  /** Number of the frame in its chain, from 0. */
  readonly n: number
  /** SHA-256 of the predecessor's header; zeros for the first frame. */
  readonly predecessor: Uint8Array
}

/** What the sender says about a frame; the rest of the header follows from its events. */
export interface FrameFields {
  /** 16 bytes. */
  readonly meshHash: Uint8Array
  /** Ed25519 key of the publishing context, 32 bytes. */
  readonly publisher: Uint8Array
  /** 16 bytes. */
  readonly incarnation: Uint8Array
  /** First 16 bytes of the SHA-256 of the publisher's membership. */
  readonly membershipHash: Uint8Array
  /** Generation of the shard count. */
  readonly generation: number
  /** Wall time of the publisher when the frame was finished, ms. */
  readonly time: number
  /** 16 bytes naming the one restricted rule whose readers may see the events. @default zeros: unrestricted */
  readonly readClass?: Uint8Array | undefined
  /** Whether the events are of an acknowledged mode; such frames are signed. @default false */
  readonly acknowledged?: boolean | undefined
  /** Absent on unsigned frames. */
  readonly chain?: ChainPlace | undefined
  /** Set on a frame that carries a part of one event's data. */
  readonly chunk?: ChunkPlace | undefined
}

/** Which part of the data: bytes from `offset`, of `total` bytes in all. */
export interface ChunkPlace {
  readonly offset: number
  readonly total: number
}

/** What a header says beyond FrameFields. */
export interface FrameContents {
  /** Shard of all events, or of the first when `isMixed`. */
  readonly shard: number
  readonly isMixed: boolean
  readonly eventCount: number
  readonly bodyLength: number
}

export const FRAME_VERSION = 1
export const SIGNATURE_LENGTH = 64
export const HASH_LENGTH = 16
const MAGIC_0 = 0x41
const MAGIC_1 = 0x4d

const SIGNED = 1
const ACKNOWLEDGED = 2
const CHUNK = 4
const LOG = 8
const MIXED = 16
const ALL_FLAGS = 31

const AT_FLAGS = 3
const AT_HEADER_LENGTH = 4
const AT_CHAIN = 6
export const AT_BODY_LENGTH = 8
export const AT_EVENT_COUNT = 12
const AT_SHARD = 14
const AT_GENERATION = 16
const AT_TIME = 20
const AT_RESERVED = 26
const AT_MESH = 28
const AT_PUBLISHER = 44
const AT_INCARNATION = 76
const AT_READ_CLASS = 92
const AT_MEMBERSHIP = 108
const AT_N = 124
export const AT_PREDECESSOR = 130
export const AT_BODY_DIGEST = 162
const AT_CHAIN_FIELDS = 194
const LOG_FIELDS = 22
const LINK_FIELDS = 16
const CHUNK_FIELDS = 8

/** Length of an unsigned header without a chunk's place: the shortest one. */
export const SHORTEST_HEADER: number = AT_N
/** Length of the longest header: a chunk of a log frame. */
export const LONGEST_HEADER: number = AT_CHAIN_FIELDS + LOG_FIELDS + CHUNK_FIELDS

const CHAINS: readonly ChainKind[] = ['none', 'gossip', 'log', 'link']
const NO_HASH: Uint8Array = new Uint8Array(HASH_LENGTH)

function lengthOf(chain: ChainKind, chunk: boolean): number {
  const place = chunk ? CHUNK_FIELDS : 0
  if (chain === 'none') return AT_N + place
  return AT_CHAIN_FIELDS + (chain === 'log' ? LOG_FIELDS : chain === 'link' ? LINK_FIELDS : 0) + place
}

/** How many bytes the header of such a frame takes. */
export function headerLengthOf(fields: FrameFields): number {
  return lengthOf(fields.chain?.kind ?? 'none', fields.chunk !== undefined)
}

function put(target: Uint8Array, at: number, value: Uint8Array, length: number, name: string): void {
  if (value.length !== length) throw new RangeError(`${name} has ${length} bytes, got ${value.length}`)
  target.set(value, at)
}

/**
 * Writes a header at `at`, `headerLengthOf(fields)` bytes.
 * @param bodyDigest SHA-256 of the body; only signed frames carry it
 * Throws RangeError for fields of a wrong length and combinations that no frame may have.
 */
export function encodeHeader(
  target: Uint8Array,
  at: number,
  fields: FrameFields,
  contents: FrameContents,
  bodyDigest?: Uint8Array,
): void {
  const { chain, chunk } = fields
  if (fields.acknowledged && chain === undefined) throw new RangeError('frames of acknowledged events are signed')
  if (contents.isMixed && chain !== undefined && chain.kind !== 'link')
    throw new RangeError('only frames for one receiver hold events of several shards')
  if (chunk && contents.eventCount !== 1) throw new RangeError('a chunk holds a part of exactly one event')
  const length = headerLengthOf(fields)
  const view = new DataView(target.buffer, target.byteOffset + at, length)
  const kind = chain?.kind ?? 'none'
  target[at] = MAGIC_0
  target[at + 1] = MAGIC_1
  target[at + 2] = FRAME_VERSION
  target[at + AT_FLAGS] =
    (chain ? SIGNED : 0) |
    (fields.acknowledged ? ACKNOWLEDGED : 0) |
    (chunk ? CHUNK : 0) |
    (kind === 'log' ? LOG : 0) |
    (contents.isMixed ? MIXED : 0)
  view.setUint16(AT_HEADER_LENGTH, length, true)
  target[at + AT_CHAIN] = CHAINS.indexOf(kind)
  target[at + AT_CHAIN + 1] = 0
  view.setUint32(AT_BODY_LENGTH, contents.bodyLength, true)
  view.setUint16(AT_EVENT_COUNT, contents.eventCount, true)
  view.setUint16(AT_SHARD, contents.shard, true)
  view.setUint32(AT_GENERATION, fields.generation, true)
  writeUint48(target, at + AT_TIME, fields.time)
  view.setUint16(AT_RESERVED, 0, true)
  put(target, at + AT_MESH, fields.meshHash, HASH_LENGTH, 'meshHash')
  put(target, at + AT_PUBLISHER, fields.publisher, 32, 'publisher')
  put(target, at + AT_INCARNATION, fields.incarnation, 16, 'incarnation')
  put(target, at + AT_READ_CLASS, fields.readClass ?? NO_HASH, HASH_LENGTH, 'readClass')
  put(target, at + AT_MEMBERSHIP, fields.membershipHash, HASH_LENGTH, 'membershipHash')
  if (chain) {
    writeUint48(target, at + AT_N, chain.n)
    put(target, at + AT_PREDECESSOR, chain.predecessor, 32, 'predecessor')
    put(target, at + AT_BODY_DIGEST, bodyDigest ?? NO_HASH, 32, 'bodyDigest')
    if (chain.kind === 'log') {
      put(target, at + AT_CHAIN_FIELDS, chain.logId, HASH_LENGTH, 'logId')
      writeUint48(target, at + AT_CHAIN_FIELDS + HASH_LENGTH, chain.offset)
    } else if (chain.kind === 'link') put(target, at + AT_CHAIN_FIELDS, chain.receiver, HASH_LENGTH, 'receiver')
  }
  if (chunk) {
    view.setUint32(length - CHUNK_FIELDS, chunk.offset, true)
    view.setUint32(length - CHUNK_FIELDS + 4, chunk.total, true)
  }
}

/** A header over the bytes it came in; its byte fields are views of them, made when asked for. */
export class FrameHeader implements FrameContents {
  /** The header's own bytes. */
  readonly bytes: Uint8Array
  readonly flags: number
  readonly chain: ChainKind
  readonly bodyLength: number
  readonly eventCount: number
  readonly shard: number
  readonly generation: number
  readonly time: number

  /** Checked by `decodeHeader`, the only caller. */
  constructor(bytes: Uint8Array, view: DataView, chain: ChainKind) {
    this.bytes = bytes
    this.flags = bytes[AT_FLAGS]!
    this.chain = chain
    this.bodyLength = view.getUint32(AT_BODY_LENGTH, true)
    this.eventCount = view.getUint16(AT_EVENT_COUNT, true)
    this.shard = view.getUint16(AT_SHARD, true)
    this.generation = view.getUint32(AT_GENERATION, true)
    this.time = readUint48(bytes, AT_TIME)
  }

  get isSigned(): boolean {
    return (this.flags & SIGNED) !== 0
  }
  get isAcknowledged(): boolean {
    return (this.flags & ACKNOWLEDGED) !== 0
  }
  /** Whether the events are of several shards. */
  get isMixed(): boolean {
    return (this.flags & MIXED) !== 0
  }
  get chunk(): ChunkPlace | undefined {
    if ((this.flags & CHUNK) === 0) return undefined
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.bytes.length - CHUNK_FIELDS)
    return { offset: view.getUint32(0, true), total: view.getUint32(4, true) }
  }
  get meshHash(): Uint8Array {
    return this.#view(AT_MESH, HASH_LENGTH)
  }
  get publisher(): Uint8Array {
    return this.#view(AT_PUBLISHER, 32)
  }
  get incarnation(): Uint8Array {
    return this.#view(AT_INCARNATION, 16)
  }
  get readClass(): Uint8Array {
    return this.#view(AT_READ_CLASS, HASH_LENGTH)
  }
  /** Whether every member may read the events. */
  get isUnrestricted(): boolean {
    return this.readClass.every((byte) => byte === 0)
  }
  get membershipHash(): Uint8Array {
    return this.#view(AT_MEMBERSHIP, HASH_LENGTH)
  }
  /** SHA-256 that the body must have; undefined on unsigned frames. */
  get bodyDigest(): Uint8Array | undefined {
    return this.isSigned ? this.#view(AT_BODY_DIGEST, 32) : undefined
  }
  /** Undefined on unsigned frames. */
  get place(): ChainPlace | undefined {
    if (this.chain === 'none') return undefined
    const link = { n: readUint48(this.bytes, AT_N), predecessor: this.#view(AT_PREDECESSOR, 32) }
    if (this.chain === 'gossip') return { kind: 'gossip', ...link }
    const hash = this.#view(AT_CHAIN_FIELDS, HASH_LENGTH)
    if (this.chain === 'link') return { kind: 'link', ...link, receiver: hash }
    return { kind: 'log', ...link, logId: hash, offset: readUint48(this.bytes, AT_CHAIN_FIELDS + HASH_LENGTH) }
  }

  #view(at: number, length: number): Uint8Array {
    return this.bytes.subarray(at, at + length)
  }
}

/** Reads the header at the start of a frame: version, flags and lengths are checked, nothing else. ERR_FRAME_INVALID. */
export function decodeHeader(frame: Uint8Array): FrameHeader {
  if (frame.length < SHORTEST_HEADER) throw frameInvalid('truncated')
  if (frame[0] !== MAGIC_0 || frame[1] !== MAGIC_1) throw frameInvalid('magic')
  if (frame[2] !== FRAME_VERSION) throw frameInvalid('version')
  const flags = frame[AT_FLAGS]!
  const chain = CHAINS[frame[AT_CHAIN]!]
  if (flags & ~ALL_FLAGS) throw frameInvalid('flags')
  if (chain === undefined || (chain !== 'none') !== ((flags & SIGNED) !== 0)) throw frameInvalid('chain')
  if ((chain === 'log') !== ((flags & LOG) !== 0)) throw frameInvalid('chain')
  if (flags & ACKNOWLEDGED && !(flags & SIGNED)) throw frameInvalid('flags')
  if (flags & MIXED && (chain === 'gossip' || chain === 'log')) throw frameInvalid('mixed')
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const length = view.getUint16(AT_HEADER_LENGTH, true)
  if (length !== lengthOf(chain, (flags & CHUNK) !== 0)) throw frameInvalid('header length')
  if (frame.length < length) throw frameInvalid('truncated')
  if (frame[AT_CHAIN + 1] !== 0 || view.getUint16(AT_RESERVED, true) !== 0) throw frameInvalid('reserved')
  if (flags & CHUNK) checkChunk(view, length)
  return new FrameHeader(frame.subarray(0, length), view, chain)
}

function checkChunk(view: DataView, length: number): void {
  const offset = view.getUint32(length - CHUNK_FIELDS, true)
  const total = view.getUint32(length - CHUNK_FIELDS + 4, true)
  if (offset >= total || view.getUint16(AT_EVENT_COUNT, true) !== 1) throw frameInvalid('chunk')
}
