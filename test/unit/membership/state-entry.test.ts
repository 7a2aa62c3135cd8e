import { describe, expect, test } from 'vitest'
import { decodeBody, decodeHead, encodeHead } from '../../../src/membership/state-entry.ts'

const HEX = '0'.repeat(32)

describe('heads and bodies of entries that nobody here can have made', () => {
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
  const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

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

  test.each([
    ['null', null],
    ['lists that are none', { a: 'x', p: [], o: [] }],
    ['patterns that are numbers', { a: [], p: [1], o: [] }],
    ['offers that are none', { a: [], p: [], o: {} }],
    ['a group that is none', { a: [], p: [], o: ['x'] }],
    ['a capability that is a number', { a: [], p: [], o: [[1, '1', '', null, []]] }],
    ['an unknown proficiency', { a: [], p: [], o: [['c', '1', 'genius', null, []]] }],
    ['a cost that is text', { a: [], p: [], o: [['c', '1', '', '2', []]] }],
    ['agents that are none', { a: [], p: [], o: [['c', '1', '', 2, [3]]] }],
  ])('a body of %s is refused', (_what, value) => {
    expect(() => decodeBody(bytes(value))).toThrow(expect.objectContaining({ code: 'ERR_FRAME_INVALID' }))
  })
})
