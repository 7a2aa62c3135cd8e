import type { Crypto, SigningKey } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import { writeUint32 } from '../events/frame/fixed-width.ts'
import {
  AT_BODY_DIGEST,
  AT_BODY_LENGTH,
  AT_EVENT_COUNT,
  decodeHeader,
  SIGNATURE_LENGTH,
} from '../events/frame/frame-header.ts'
import { readFrame } from '../events/frame/frame-reader.ts'
import { sampleFrames } from './sample-frames.ts'

export interface FrameFuzzOptions {
  readonly count: number
  readonly seed: number
  readonly crypto: Crypto
  /** The key that the frames are of. */
  readonly key: SigningKey
  /**
   * Signs half of the mutated frames again: a hostile member, else mutants would die at the signature and prove nothing.
   * @default the key
   */
  readonly resign?: ((headerDigest: Uint8Array) => Uint8Array) | undefined
  /** Sees each mutant of right structure, too, so that a decoder built on the codec can be fuzzed; may throw AmcpError only. */
  readonly target?: ((mutant: Uint8Array) => void) | undefined
}

export interface FrameFuzzReport {
  readonly count: number
  /** Mutants whose version and lengths were right. */
  readonly passedStructure: number
  /** Mutants whose signature and body were right. */
  readonly authentic: number
  /** Mutants refused with an AmcpError, by its reason. */
  readonly refused: Readonly<Record<string, number>>
  /** Mutants that were read to the last attribute. */
  readonly harmless: number
}

/** Mutates valid frames and reads them to the last attribute. Throws when anything but an AmcpError comes out, with the mutant. */
export function fuzzFrames(options: FrameFuzzOptions): FrameFuzzReport {
  const { crypto, key, count } = options
  const target = options.target ?? (() => {})
  const resign = options.resign ?? ((digest: Uint8Array) => key.sign(digest))
  const random = generator(options.seed)
  const frames = Object.values(sampleFrames({ crypto, key }))
  const refused: Record<string, number> = {}
  let passedStructure = 0
  let authentic = 0
  let harmless = 0
  for (let n = 0; n < count; n++) {
    let mutant = mutate(frames[random(frames.length)]!, random)
    if (random(2) === 0) mutant = seal(mutant, crypto, resign)
    try {
      const frame = readFrame(mutant)
      passedStructure++
      if (frame.verifySignature(crypto) && frame.verifyBody(crypto)) authentic++
      target(mutant)
      frame.credentials()
      for (const event of frame.events()) {
        if (event.tokenHash !== undefined && event.tokenHash.length !== 16) throw new Error('a cut token hash')
        event.toJSON()
      }
      harmless++
    } catch (error) {
      if (!(error instanceof AmcpError)) {
        const hex = Array.from(mutant, (byte) => byte.toString(16).padStart(2, '0')).join('')
        throw new Error(`seed ${options.seed}, mutant ${n}: ${hex}`, { cause: error })
      }
      const reason = String(error.details.reason ?? error.code)
      refused[reason] = (refused[reason] ?? 0) + 1
    }
  }
  return { count, passedStructure, authentic, refused, harmless }
}

/** Numbers below a bound, the same for the same seed. */
export type Below = (bound: number) => number

/** @see Tommy Ettinger, mulberry32 */
function generator(seed: number): Below {
  let state = seed | 0
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

/** Values that break careless readers: ends of ranges, continued varints. */
const NASTY: readonly number[] = [0, 1, 0x7f, 0x80, 0xfe, 0xff]

/** One to three changes to a copy; lengths are put right most of the time, so that the change is reached. */
export function mutate(frame: Uint8Array, random: Below): Uint8Array {
  const bodyAt = bodyStartOf(frame)
  let mutant: Uint8Array = frame.slice()
  for (let changes = 1 + random(3); changes > 0; changes--) mutant = change(mutant, bodyAt, random)
  if (random(8) !== 0 && mutant.length > bodyAt) writeUint32(mutant, AT_BODY_LENGTH, mutant.length - bodyAt)
  return mutant
}

function change(frame: Uint8Array, bodyAt: number, random: Below): Uint8Array {
  const body = Math.max(1, frame.length - bodyAt)
  const inBody = Math.min(frame.length - 1, bodyAt + random(body))
  switch (random(9)) {
    case 0:
      return withByte(frame, random(Math.min(bodyAt, frame.length)), random(256))
    case 1:
      return withByte(frame, inBody, frame[inBody]! ^ (1 << random(8)))
    case 2:
    case 3:
      return withByte(frame, inBody, NASTY[random(NASTY.length)]!)
    case 4:
      return splice(frame, inBody, random(20), countOf(random(20), random))
    case 5:
      return withByte(frame, Math.min(frame.length - 1, AT_EVENT_COUNT + random(2)), random(4))
    case 6: {
      // The string table's offset, just beside the truth.
      const at = Math.min(frame.length - 1, bodyAt)
      return withByte(frame, at, frame[at]! + random(5) - 2)
    }
    case 7:
      return frame.slice(0, 1 + random(frame.length))
    default: {
      const from = bodyAt + random(body)
      return splice(frame, inBody, 0, frame.slice(from, from + random(40)))
    }
  }
}

function withByte(frame: Uint8Array, at: number, value: number): Uint8Array {
  frame[at] = value
  return frame
}

function countOf(length: number, random: Below): Uint8Array {
  return Uint8Array.from({ length }, () => random(256))
}

function splice(frame: Uint8Array, at: number, cut: number, insert: Uint8Array): Uint8Array {
  const end = Math.min(frame.length, at + cut)
  const result = new Uint8Array(at + insert.length + frame.length - end)
  result.set(frame.subarray(0, at))
  result.set(insert, at)
  result.set(frame.subarray(end), at + insert.length)
  return result
}

function bodyStartOf(frame: Uint8Array): number {
  const header = decodeHeader(frame)
  return header.bytes.length + (header.isSigned ? SIGNATURE_LENGTH : 0)
}

/** Puts body length, body digest and signature right where the header is still legible and signed. */
export function seal(frame: Uint8Array, crypto: Crypto, sign: (headerDigest: Uint8Array) => Uint8Array): Uint8Array {
  let bodyAt: number
  try {
    if (!decodeHeader(frame).isSigned) return frame
    bodyAt = bodyStartOf(frame)
  } catch (error) {
    if (error instanceof AmcpError) return frame
    throw error
  }
  if (frame.length < bodyAt) return frame
  writeUint32(frame, AT_BODY_LENGTH, frame.length - bodyAt)
  frame.set(crypto.sha256(frame.subarray(bodyAt)), AT_BODY_DIGEST)
  const header = frame.subarray(0, bodyAt - SIGNATURE_LENGTH)
  frame.set(sign(crypto.sha256(header)), header.length)
  return frame
}
