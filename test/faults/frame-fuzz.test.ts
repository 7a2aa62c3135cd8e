import { describe, expect, test } from 'vitest'
import { AmcpError } from '../../src/core/errors.ts'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { LONGEST_HEADER } from '../../src/events/frame/frame-header.ts'
import { readFrame } from '../../src/events/frame/frame-reader.ts'
import { fuzzFrames, seal } from '../../src/testing/frame-fuzz.ts'
import { sampleFrames } from '../../src/testing/sample-frames.ts'

const crypto = nodeCrypto()
const key = crypto.signingKey(new Uint8Array(32).fill(9))
const samples = sampleFrames({ crypto, key })

function readAll(bytes: Uint8Array): 'authentic' | 'forged' | 'refused' {
  try {
    const frame = readFrame(bytes)
    const isAuthentic = frame.verifySignature(crypto) && frame.verifyBody(crypto)
    for (const event of frame.events()) event.toJSON()
    frame.credentials()
    return isAuthentic ? 'authentic' : 'forged'
  } catch (error) {
    expect(error).toBeInstanceOf(AmcpError)
    return 'refused'
  }
}

describe('frames that are not as they should be', () => {
  // What a receiver makes of them is another test's: receiver-fuzz.
  test('mutants of valid frames, half of them signed again, are read to the last attribute or refused as what they are', () => {
    const report = fuzzFrames({ count: 5_000, seed: 20_261_121, crypto, key })
    const refused = Object.values(report.refused).reduce((sum, count) => sum + count, 0)
    expect(report.harmless + refused).toBe(report.count)
    expect(report.passedStructure / report.count).toBeGreaterThan(0.3)
    expect(report.authentic).toBeGreaterThan(report.count / 20)
    expect(report.harmless).toBeGreaterThan(0)
    for (const reason of ['string index', 'varint', 'event flags', 'trailing bytes', 'truncated'])
      expect(report.refused[reason], reason).toBeGreaterThan(0)
  })

  test('the same seed gives the same mutants, and a target sees those of right structure', () => {
    const seen: number[] = []
    const options = { count: 300, seed: 5, crypto, key }
    const report = fuzzFrames({ ...options, target: (mutant) => seen.push(mutant.length) })
    expect(fuzzFrames(options)).toEqual(report)
    expect(seen).toHaveLength(report.passedStructure)
  })

  test('the fuzzer names seed and mutant when anything but an AmcpError escapes', () => {
    const target = (): void => {
      throw new RangeError('escaped')
    }
    expect(() => fuzzFrames({ count: 100, seed: 5, crypto, key, target })).toThrow(/^seed 5, mutant \d+: [0-9a-f]+$/)
  })

  test('mutants signed by another key are never authentic', () => {
    const other = crypto.signingKey(new Uint8Array(32).fill(1))
    const report = fuzzFrames({ count: 500, seed: 3, crypto, key, resign: (digest) => other.sign(digest) })
    expect(report.passedStructure).toBeGreaterThan(150)
    expect(report.authentic).toBeLessThan(5)
  })

  test.each(Object.keys(samples))('a frame truncated at any byte is refused: %s', (name) => {
    const whole = samples[name]!
    for (let length = 0; length < whole.length; length++) {
      expect(() => readFrame(whole.subarray(0, length))).toThrow(expect.objectContaining({ code: 'ERR_FRAME_INVALID' }))
      // The same with lengths and signature put right: the body itself is cut.
      readAll(seal(whole.slice(0, length), crypto, (digest) => key.sign(digest)))
    }
  })

  test.each(Object.keys(samples))('any flipped bit of a signed frame is refused or unmasked: %s', (name) => {
    const whole = samples[name]!
    const isSigned = readFrame(whole).header.isSigned
    for (let bit = 0; bit < Math.min(whole.length, LONGEST_HEADER + 128) * 8; bit++) {
      const flipped = whole.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      const outcome = readAll(flipped)
      if (isSigned) expect(outcome, `bit ${bit}`).not.toBe('authentic')
    }
  })
})
