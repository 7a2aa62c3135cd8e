import { describe, expect, test } from 'vitest'
import { contextIdOf, isAgentId, publicKeyOf } from '../../../src/core/ids.ts'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import { uuidOf } from '../../../src/core/uuid.ts'

describe('ids', () => {
  test('of contexts hold their key', () => {
    const { publicKey } = nodeCrypto().signingKey(new Uint8Array(32))
    expect(contextIdOf(publicKey)).toMatch(/^12D3Koo/)
    expect(publicKeyOf(contextIdOf(publicKey))).toEqual(publicKey)
    expect(() => contextIdOf(new Uint8Array(31))).toThrow(RangeError)
  })

  test.each(['', '0OIl', '12D3Koo', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'])('%j is no context', (text) => {
    expect(() => publicKeyOf(text)).toThrow(TypeError)
  })

  test('of agents are told from names of capabilities, and from other UUIDs', () => {
    const id = '4518017f-0340-8b00-8000-000000000001'
    expect(isAgentId(id)).toBe(true)
    for (const name of ['', 'anomaly.detect', id.toUpperCase(), `${id}0`, id.replace('-8', '-4')])
      expect(isAgentId(name)).toBe(false)
  })

  test('UUIDs carry version and variant over any bytes', () => {
    expect(uuidOf(new Uint8Array(16).fill(255), 8)).toBe('ffffffff-ffff-8fff-bfff-ffffffffffff')
    expect(uuidOf(new Uint8Array(16), 4)).toBe('00000000-0000-4000-8000-000000000000')
    expect(() => uuidOf(new Uint8Array(15), 4)).toThrow(RangeError)
  })
})
