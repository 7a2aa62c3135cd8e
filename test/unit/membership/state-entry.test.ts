import { describe, expect, test } from 'vitest'
import { decodeHead, encodeHead } from '../../../src/membership/state-entry.ts'

const HEX = '0'.repeat(32)

describe('heads of entries that nobody here can have made', () => {
  const head = {
    context: 'c',
    incarnation: HEX,
    version: 1,
    since: 0,
    flags: 0,
    rival: '',
    body: HEX,
    membership: HEX,
  }

  test('a head that is no JSON is refused', () => {
    expect(() => decodeHead(Uint8Array.of(123))).toThrow(expect.objectContaining({ code: 'ERR_FRAME_INVALID' }))
  })

  test.each([
    ['context', ''],
    ['incarnation', 'zz'],
    ['version', -1],
    ['version', 1.5],
    ['since', '0'],
    ['flags', null],
    ['rival', 'short'],
    ['body', HEX.slice(1)],
    ['membership', 7],
  ])('a head with %s = %j is refused', (field, value) => {
    expect(() => decodeHead(encodeHead({ ...head, [field]: value } as never))).toThrow(
      expect.objectContaining({ code: 'ERR_FRAME_INVALID' }),
    )
  })
})
