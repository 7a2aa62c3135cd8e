import { describe, expect, test } from 'vitest'
import { decodeSync, encodeSync, type SyncMessage } from '../../../../src/broker/mesh/sync-messages.ts'

const messages: SyncMessage[] = [
  { kind: 'want', hashes: [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)] },
  { kind: 'credentials', credentials: [new Uint8Array(700).fill(3), new Uint8Array(0)] },
  { kind: 'push', shard: 63, frame: new Uint8Array(5_000).fill(4) },
]

describe('messages of /amcp/sync/1', () => {
  test.each(messages.map((message) => [message.kind, message] as const))('%s comes back as it was', (_, message) => {
    expect(decodeSync(encodeSync(message))).toEqual(message)
  })

  test.each(messages.map((message) => [message.kind, message] as const))(
    '%s cut off at every byte is refused',
    (_, message) => {
      const bytes = encodeSync(message)
      for (let length = 0; length < Math.min(bytes.length, 800); length += 1)
        expect(() => decodeSync(bytes.subarray(0, length))).toThrow(
          expect.objectContaining({ code: 'ERR_FRAME_INVALID' }),
        )
    },
  )

  test('other kinds, trailing bytes, too many parts and too long ones are refused', () => {
    const refused = expect.objectContaining({ code: 'ERR_FRAME_INVALID' })
    expect(() => decodeSync(Uint8Array.of(9))).toThrow(refused)
    expect(() => decodeSync(Uint8Array.of(1, 0, 0))).toThrow(refused)
    expect(() => decodeSync(Uint8Array.of(1, 65))).toThrow(refused)
    expect(() => decodeSync(encodeSync({ kind: 'credentials', credentials: [new Uint8Array(16_385)] }))).toThrow(
      refused,
    )
  })
})
