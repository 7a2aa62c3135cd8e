import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { systemPorts } from '../../../src/core/default-ports.ts'
import { AmcpError } from '../../../src/core/errors.ts'
import { contextIdOf, publicKeyOf } from '../../../src/core/ids.ts'
import { drawIncarnation } from '../../../src/core/incarnation.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { LruCache } from '../../../src/core/lru-cache.ts'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { systemClock } from '../../../src/core/system-clock.ts'
import { uuidOf } from '../../../src/core/uuid.ts'

describe('seeded randomness', () => {
  const draw = (random: SeededRandom): unknown[] => [random.float(), random.uuid(), [...random.bytes(5)]]

  test('repeats itself for a seed, a number or its text, and differs for others', () => {
    expect(draw(new SeededRandom(7))).toEqual(draw(new SeededRandom('7')))
    expect(draw(new SeededRandom(7))).not.toEqual(draw(new SeededRandom(8)))
  })

  test('is the same on every machine and in every version', () => {
    const random = new SeededRandom('amcp')
    expect({ bytes: Buffer.from(random.bytes(8)).toString('hex'), float: random.float(), uuid: random.uuid() }).toEqual(
      { bytes: 'a22664f8f8cebda8', float: 0.3908580154248078, uuid: 'b36701e0-fa70-4548-a56a-0b473d9adf76' },
    )
  })

  test('forks streams that do not depend on what was drawn, nor on each other', () => {
    const parent = new SeededRandom('seed')
    const before = draw(parent.fork('a'))
    draw(parent)
    expect(draw(parent.fork('a'))).toEqual(before)
    expect(draw(parent.fork('b'))).not.toEqual(before)
    expect(draw(parent.fork('a').fork('b'))).not.toEqual(draw(parent.fork('b').fork('a')))
  })

  test('draws incarnations of 16 bytes that differ', () => {
    const random = new SeededRandom(1)
    const first = drawIncarnation(random)
    expect(first).toHaveLength(16)
    expect(drawIncarnation(random)).not.toEqual(first)
  })
})

describe('node crypto', () => {
  test("makes RFC 8032's first test vector", () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
    const key = nodeCrypto().signingKey(seed)
    expect(Buffer.from(key.publicKey).toString('hex')).toBe(
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    )
    expect(Buffer.from(key.sign(new Uint8Array())).toString('hex')).toBe(
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    )
  })

  test('agrees with keys that others made', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(12)
    const message = Buffer.from('message')
    expect(nodeCrypto().verify(raw, message, sign(null, message, privateKey))).toBe(true)
    expect(verify(null, message, publicKey, sign(null, message, privateKey))).toBe(true)
  })

  test('goes on verifying when more keys come than it keeps', () => {
    const crypto = nodeCrypto({ keyCapacity: 2 })
    const keys = [1, 2, 3].map((fill) => crypto.signingKey(new Uint8Array(32).fill(fill)))
    const message = Uint8Array.of(1)
    for (const key of [...keys, ...keys]) expect(crypto.verify(key.publicKey, message, key.sign(message))).toBe(true)
  })
})

describe('a cache', () => {
  test('forgets what was used longest ago', () => {
    const cache = new LruCache<string, number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    expect(cache.get('a')).toBe(1)
    cache.set('c', 3)
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2])
    cache.set('a', 4)
    expect([cache.get('a'), cache.size]).toEqual([4, 2])
    expect([cache.delete('a'), cache.delete('a'), cache.size]).toEqual([true, false, 1])
  })

  test('holds at least one entry', () => {
    expect(() => new LruCache(0)).toThrow(RangeError)
    expect(() => new LruCache(Number.NaN)).toThrow(RangeError)
  })
})

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

  test('UUIDs carry version and variant over any bytes', () => {
    expect(uuidOf(new Uint8Array(16).fill(255), 8)).toBe('ffffffff-ffff-8fff-bfff-ffffffffffff')
    expect(uuidOf(new Uint8Array(16), 4)).toBe('00000000-0000-4000-8000-000000000000')
    expect(() => uuidOf(new Uint8Array(15), 4)).toThrow(RangeError)
  })
})

describe('ports', () => {
  test('are real, with counters of their own and a silent logger, unless one is given', () => {
    const ports = systemPorts()
    expect(ports.logger).toBe(silentLogger)
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      expect(ports.logger[level]({}, 'x')).toBeUndefined()
    const logger = { ...silentLogger }
    expect(systemPorts({ logger }).logger).toBe(logger)
    expect(systemPorts().counters).not.toBe(ports.counters)
  })

  test('count by name', () => {
    const counters = new Counters()
    counters.add('b')
    counters.add('a', 3)
    counters.add('b')
    expect([counters.get('b'), counters.get('none')]).toEqual([2, 0])
    expect(JSON.stringify(counters.snapshot())).toBe('{"a":3,"b":2}')
  })
})

describe('errors', () => {
  test('carry code, cause, details and whether to try again', () => {
    const cause = new Error('inner')
    const error = new AmcpError('ERR_USAGE', 'wrong', { cause, retryable: true, details: { field: 'x' } })
    expect(error).toMatchObject({
      name: 'AmcpError',
      code: 'ERR_USAGE',
      retryable: true,
      details: { field: 'x' },
      cause,
    })
    const bare = new AmcpError('ERR_USAGE', 'wrong')
    expect(bare).toMatchObject({ retryable: false, details: {} })
    expect('cause' in bare).toBe(false)
  })
})

describe('the system clock', () => {
  test('waits in pieces for longer than a timer of the platform can', async () => {
    const { vi } = await import('vitest')
    vi.useFakeTimers()
    try {
      let ran = false
      systemClock().after(2 ** 31 + 10, () => {
        ran = true
      })
      vi.advanceTimersByTime(2 ** 31 + 9)
      expect(ran).toBe(false)
      vi.advanceTimersByTime(1)
      expect(ran).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })
})
