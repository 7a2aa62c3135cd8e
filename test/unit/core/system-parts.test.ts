import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'
import { AbstractLevelStore } from '../../../src/core/abstract-level-store.ts'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import { simulatedCrypto } from '../../../src/core/simulated-crypto.ts'
import { systemClock } from '../../../src/core/system-clock.ts'
import { systemRandom } from '../../../src/core/system-random.ts'

describe('the machine’s randomness', () => {
  test('gives as many bytes as asked for, fractions below one, and version-4 UUIDs that differ', () => {
    const random = systemRandom()
    expect(random.bytes(0)).toEqual(new Uint8Array())
    expect(random.bytes(33)).toHaveLength(33)
    expect(random.bytes(32)).not.toEqual(random.bytes(32))
    const floats = Array.from({ length: 1_000 }, () => random.float())
    expect(floats.every((float) => float >= 0 && float < 1)).toBe(true)
    const ids = Array.from({ length: 1_000 }, () => random.uuid())
    expect(new Set(ids).size).toBe(1_000)
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})

describe('the machine’s time', () => {
  test('is whole ms by the wall, never goes back by the other, and ends turns after their promises', async () => {
    const clock = systemClock()
    expect(Number.isInteger(clock.now())).toBe(true)
    const before = clock.monotonic()
    const log: string[] = []
    await new Promise<void>((resolve) => {
      clock.endOfTurn(() => {
        log.push('end of turn')
        resolve()
      })
      void Promise.resolve().then(() => log.push('promise'))
    })
    expect(log).toEqual(['promise', 'end of turn'])
    expect(clock.monotonic()).toBeGreaterThanOrEqual(before)
  })

  test('runs a timer once, in order, and never one that was cancelled', async () => {
    const clock = systemClock()
    const log: string[] = []
    const cancelled = clock.after(0, () => log.push('cancelled'))
    cancelled.cancel()
    await new Promise<void>((resolve) => {
      clock.after(1, () => log.push('first'))
      clock.after(2, () => {
        log.push('second')
        resolve()
      })
    })
    cancelled.cancel()
    expect(log).toEqual(['first', 'second'])
    expect(() => clock.after(Number.NaN, () => {})).toThrow(RangeError)
  })
})

describe.each([
  ['Ed25519', nodeCrypto()],
  ['pretended', simulatedCrypto()],
])('%s signatures', (_name, crypto) => {
  const seed = new Uint8Array(32).fill(7)
  const message = new TextEncoder().encode('a message')

  test('are 64 bytes, the same for the same seed, and good for that key and message only', () => {
    const key = crypto.signingKey(seed)
    const other = crypto.signingKey(new Uint8Array(32).fill(8))
    const signature = key.sign(message)
    expect([signature.length, key.publicKey.length]).toEqual([64, 32])
    expect(crypto.signingKey(seed).sign(message)).toEqual(signature)
    expect(crypto.verify(key.publicKey, message, signature)).toBe(true)
    expect(crypto.verify(other.publicKey, message, signature)).toBe(false)
    expect(crypto.verify(key.publicKey, message.subarray(1), signature)).toBe(false)
    for (const at of [0, 31, 32, 63]) {
      const bent = Uint8Array.from(signature)
      bent[at]! ^= 1
      expect(crypto.verify(key.publicKey, message, bent)).toBe(false)
    }
  })

  test('of a wrong size are no signatures, keys of a wrong size no keys, and neither throws', () => {
    const key = crypto.signingKey(seed)
    const signature = key.sign(message)
    for (const size of [0, 63]) expect(crypto.verify(key.publicKey, message, signature.subarray(0, size))).toBe(false)
    for (const size of [0, 31]) expect(crypto.verify(key.publicKey.subarray(0, size), message, signature)).toBe(false)
    expect(crypto.verify(new Uint8Array(33), message, signature)).toBe(false)
  })

  test.each([0, 31, 33])('of a seed of %d bytes are not made', (length) => {
    expect(() => crypto.signingKey(new Uint8Array(length))).toThrow(RangeError)
  })
})

describe('a store whose database fails', () => {
  const fault = (code: string): Error => Object.assign(new Error(code), { code })
  const failing = (code: string): AbstractLevelStore => {
    const level = new MemoryLevel<Uint8Array, Uint8Array>({ keyEncoding: 'view', valueEncoding: 'view' })
    const fail = (): Promise<never> => Promise.reject(fault(code))
    Object.assign(level, {
      get: fail,
      batch: fail,
      iterator: () => ({ [Symbol.asyncIterator]: () => ({ next: fail }) }),
    })
    return new AbstractLevelStore(level as never)
  }
  const key = Uint8Array.of(1)

  test('says by code what happened, whatever was asked of it', async () => {
    const store = failing('LEVEL_CORRUPTION')
    const typed = { code: 'ERR_STORE_UNREADABLE', message: expect.stringContaining('LEVEL_CORRUPTION') }
    await expect(store.get('a', key)).rejects.toMatchObject(typed)
    await expect(store.batch([{ type: 'delete', space: 'a', key }])).rejects.toMatchObject(typed)
    await expect(store.scan('a')[Symbol.asyncIterator]().next()).rejects.toMatchObject(typed)
    await expect(failing('LEVEL_ITERATOR_NOT_OPEN').get('a', key)).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
  })

  test('refuses spaces without a name, or with one of more than 255 bytes', async () => {
    const store = failing('never')
    for (const space of ['', 'x'.repeat(256), 'é'.repeat(128)])
      await expect(store.get(space, key)).rejects.toThrow(RangeError)
  })
})
