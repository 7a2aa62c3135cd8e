import { expect, test } from 'vitest'
import { MessageParts } from '../../../../src/network/libp2p/message-parts.ts'

const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value)
/** The first bytes of a much larger buffer. */
const within = (size: number, value: number, buffer = 65_536): Uint8Array => filled(buffer, value).subarray(0, size)

test('joins whole buffers, small views and views larger than a block, in order', () => {
  const parts = new MessageParts()
  const sent = [
    filled(10, 1),
    within(3, 2),
    within(5, 3),
    filled(7, 4),
    within(20_000, 5),
    within(16_000, 6),
    within(9_000, 7),
  ]
  for (const part of sent) parts.keep(part)
  expect(parts.bytes).toBe(sent.reduce((sum, { length }) => sum + length, 0))
  const last = filled(2, 8)
  expect(parts.join(last)).toEqual(new Uint8Array(Buffer.concat([...sent, last])))
  expect(parts.bytes).toBe(0)
  expect(parts.join(last)).toBe(last)
})

test('does not keep the buffers that small parts came in, nor what is changed in them later', () => {
  const parts = new MessageParts()
  const buffer = filled(65_536, 1)
  for (let at = 0; at < 1_000; at += 1) {
    parts.keep(buffer.subarray(at, at + 1))
    parts.keep(filled(1, 2))
  }
  buffer.fill(9)
  const message = parts.join(filled(0, 0))
  expect(message).toHaveLength(2_000)
  expect(message.subarray(0, 4)).toEqual(Uint8Array.of(1, 2, 1, 2))
})
