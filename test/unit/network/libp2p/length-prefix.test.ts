import { describe, expect, test } from 'vitest'
import { END_MARK, MESSAGE_LIMIT, PrefixReader, prefixed } from '../../../../src/network/libp2p/length-prefix.ts'

const concat = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
const wire = (...parts: Uint8Array[]): Uint8Array => concat(prefixed(parts))
const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value)

function reader(): { push(chunk: Uint8Array): void; messages: Uint8Array[] } {
  const messages: Uint8Array[] = []
  const inner = new PrefixReader((message) => messages.push(message))
  return { push: (chunk) => inner.push(chunk), messages }
}

describe('prefixed', () => {
  test('puts the length as u32, little endian, before the parts', () => {
    expect([...wire(Uint8Array.of(1, 2), Uint8Array.of(3))]).toEqual([3, 0, 0, 0, 1, 2, 3])
    expect([...wire()]).toEqual([0, 0, 0, 0])
    expect([...wire(new Uint8Array(0x01_02_03)).subarray(0, 4)]).toEqual([3, 2, 1, 0])
  })

  test('joins a small message into one piece and passes the parts of a large one on uncopied', () => {
    expect(prefixed([filled(8_000, 1), filled(192, 2)])).toHaveLength(1)
    const [a, b] = [filled(8_000, 1), filled(193, 2)]
    const pieces = prefixed([a, b])
    expect(pieces).toHaveLength(3)
    expect(pieces[1]).toBe(a)
    expect(pieces[2]).toBe(b)
  })

  test('refuses a message above the limit, and takes one at it', () => {
    expect(() => prefixed([new Uint8Array(MESSAGE_LIMIT), Uint8Array.of(1)])).toThrow(
      expect.objectContaining({
        code: 'ERR_EVENT_TOO_LARGE',
        details: { size: MESSAGE_LIMIT + 1, limit: MESSAGE_LIMIT },
      }),
    )
    expect(prefixed([new Uint8Array(MESSAGE_LIMIT)])).toHaveLength(2)
  })
})

describe('PrefixReader', () => {
  test('hands over a message within one chunk as a view of it', () => {
    const { push, messages } = reader()
    const chunk = wire(filled(100, 7))
    push(chunk)
    expect(messages[0]?.buffer).toBe(chunk.buffer)
    expect(messages[0]).toEqual(filled(100, 7))
  })

  test('hands over several messages of one chunk, empty ones included, in order', () => {
    const { push, messages } = reader()
    push(concat([wire(Uint8Array.of(1)), wire(), wire(Uint8Array.of(2, 3)), wire()]))
    expect(messages.map((message) => [...message])).toEqual([[1], [], [2, 3], []])
  })

  test.each([1, 2, 3, 5, 7, 64, 1_000])('puts messages together again from chunks of %i bytes', (size) => {
    const sent = [
      filled(0, 0),
      filled(1, 1),
      filled(4, 4),
      filled(300, 5),
      filled(9_000, 6),
      filled(0, 0),
      filled(3, 7),
    ]
    const bytes = concat(sent.map((message) => wire(message)))
    const { push, messages } = reader()
    for (let at = 0; at < bytes.length; at += size) push(bytes.subarray(at, at + size))
    expect(messages).toEqual(sent)
  })

  test('hands over an empty message as soon as its header is complete', () => {
    const { push, messages } = reader()
    push(Uint8Array.of(0, 0, 0))
    expect(messages).toHaveLength(0)
    push(Uint8Array.of(0))
    expect(messages.map((message) => message.length)).toEqual([0])
  })

  test('does not keep the chunk of a message that came in pieces', () => {
    const { push, messages } = reader()
    const bytes = wire(filled(10, 9))
    push(bytes.subarray(0, 8))
    push(bytes.subarray(8))
    bytes.fill(0)
    expect(messages[0]).toEqual(filled(10, 9))
  })

  test('refuses an announced length above the limit before any of it has come', () => {
    for (const header of [Uint8Array.of(1, 0, 0x10, 1), Uint8Array.of(254, 255, 255, 255)])
      expect(() => reader().push(header)).toThrow(
        expect.objectContaining({ code: 'ERR_FRAME_INVALID', details: expect.objectContaining({ reason: 'length' }) }),
      )
  })

  test('takes the mark of the end as no message, and nothing behind it', () => {
    const messages: Uint8Array[] = []
    const inner = new PrefixReader((message) => messages.push(message))
    inner.push(concat([wire(Uint8Array.of(1)), END_MARK.subarray(0, 3)]))
    expect(inner.hasEnded).toBe(false)
    inner.push(END_MARK.subarray(3))
    expect(inner.hasEnded).toBe(true)
    expect(messages).toEqual([Uint8Array.of(1)])
    expect(() => inner.push(wire())).toThrow(
      expect.objectContaining({ code: 'ERR_FRAME_INVALID', details: { reason: 'trailing bytes' } }),
    )
  })

  test('refuses a message above the limit of its protocol before a byte of it is kept', () => {
    const messages: Uint8Array[] = []
    const inner = new PrefixReader((message) => messages.push(message), 100)
    inner.push(wire(filled(100, 1)))
    expect(() => inner.push(wire(filled(101, 1)).subarray(0, 4))).toThrow(/101 bytes was announced/)
    expect(messages).toHaveLength(1)
  })
})
