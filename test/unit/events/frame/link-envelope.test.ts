import { describe, expect, test } from 'vitest'
import { EnvelopeWriter, readLinkMessage } from '../../../../src/events/frame/link-envelope.ts'

const refusal = (reason: string): unknown => expect.objectContaining({ code: 'ERR_FRAME_INVALID', details: { reason } })

describe('link envelope', () => {
  test('an envelope that tells one previous sequence takes five bytes', () => {
    const writer = new EnvelopeWriter()
    expect(writer.isEmpty).toBe(true)
    writer.previous(3, 41)
    expect(writer.isEmpty).toBe(false)
    expect([...writer.finish(true)]).toEqual([2, 3, 1, 3, 42])
    expect(writer.isEmpty).toBe(true)
  })

  test('the frame behind the envelope is a view of the message, not a copy', () => {
    const message = Uint8Array.of(...new EnvelopeWriter().finish(true), 7, 8, 9)
    const { frame } = readLinkMessage(message)
    expect(frame).toEqual(Uint8Array.of(7, 8, 9))
    expect(frame?.buffer).toBe(message.buffer)
  })

  test('an envelope grows beyond its first memory', () => {
    const writer = new EnvelopeWriter()
    for (let n = 0; n < 1000; n++) writer.credit(n, Number.MAX_SAFE_INTEGER)
    const { records } = readLinkMessage(writer.finish(false))
    expect(records).toHaveLength(1000)
    expect(records[999]).toEqual({ kind: 'credit', received: 999, granted: Number.MAX_SAFE_INTEGER })
  })

  test('a record of a later version is stepped over when it says its length', () => {
    const { records } = readLinkMessage(Uint8Array.of(1, 8, 64, 3, 9, 9, 9, 2, 5, 6))
    expect(records).toEqual([{ kind: 'nothing-until', shard: 5, sequence: 6 }])
  })

  test.each([
    ['truncated', []],
    ['truncated', [1]],
    ['message kind', [0, 0]],
    ['message kind', [3, 0]],
    ['message kind', [2, 0]],
    ['message kind', [1, 0, 5]],
    ['truncated', [1, 4, 1, 3]],
    ['truncated', [1, 1, 1, 3, 4]],
    ['record tag', [1, 1, 7]],
    ['record tag', [1, 1, 0]],
    ['truncated', [1, 3, 64, 9, 1]],
    ['shard', [1, 5, 1, 128, 128, 4, 0]],
    ['choice', [1, 5, 3, 0, 0, 2, 0]],
    ['choice', [1, 4, 4, 0, 0, 2]],
    ['varint', [1, 4, 1, 3, 128, 0]],
    ['range', [1, 18, 6, 0, 255, 255, 255, 255, 255, 255, 255, 15, 255, 255, 255, 255, 255, 255, 255, 15, 1, 0]],
  ])('refuses for its %s: %j', (reason, message) => {
    const bytes = Uint8Array.from(message)
    if (reason === 'range') bytes[1] = bytes.length - 4
    const whole = reason === 'range' ? bytes.subarray(0, bytes.length - 2) : bytes
    expect(() => readLinkMessage(whole)).toThrow(refusal(reason))
  })

  test('every truncation of an envelope is refused', () => {
    const whole = new EnvelopeWriter().previous(1, 2).lane(3, 4, 'gossip', 500).dropped(6, 700, 8000).finish(false)
    for (let length = 0; length < whole.length; length++)
      expect(() => readLinkMessage(whole.subarray(0, length))).toThrow(refusal('truncated'))
  })
})
