import assert from 'node:assert/strict'
import type { Crypto } from '../core/crypto.ts'

export interface CryptoSuite {
  describe(name: string, body: () => void): void
  test(name: string, body: () => Promise<void>): void
  open(): Promise<AsyncDisposable & { readonly crypto: Crypto }>
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const seed = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)

/** What every Crypto promises, real or pretended. */
export function cryptoConformance(name: string, { describe, test, open }: CryptoSuite): void {
  describe(`Crypto: ${name}`, () => {
    test("computes SHA-256 as FIPS 180-4's examples have it, however the message is cut", async () => {
      await using opened = await open()
      const { crypto } = opened
      const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
      assert.equal(hex(crypto.sha256(bytes('abc'))), abc)
      assert.equal(hex(crypto.sha256(bytes('a'), bytes(''), bytes('bc'))), abc)
      const nothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
      assert.equal(hex(crypto.sha256()), nothing)
      assert.equal(hex(crypto.sha256(new Uint8Array())), nothing)
    })

    test('hashes the bytes of a view, not of the buffer behind it', async () => {
      await using opened = await open()
      const { crypto } = opened
      const view = bytes('xxabcxx').subarray(2, 5)
      assert.deepEqual(crypto.sha256(view), crypto.sha256(bytes('abc')))
      assert.deepEqual(crypto.sha256(view, view), crypto.sha256(bytes('abcabc')))
    })

    test('gives digests that later ones leave alone', async () => {
      await using opened = await open()
      const first = opened.crypto.sha256(bytes('abc'))
      const copy = first.slice()
      opened.crypto.sha256(bytes('abd'))
      assert.deepEqual(first, copy)
      assert.equal(Object.getPrototypeOf(first), Uint8Array.prototype)
    })

    test('makes the same key of the same seed, and another of another', async () => {
      await using opened = await open()
      const { crypto } = opened
      const { publicKey } = crypto.signingKey(seed(1))
      assert.equal(publicKey.length, 32)
      assert.deepEqual(crypto.signingKey(seed(1)).publicKey, publicKey)
      assert.notDeepEqual(crypto.signingKey(seed(2)).publicKey, publicKey)
    })

    test('refuses seeds of other lengths', async () => {
      await using opened = await open()
      for (const length of [0, 31, 33, 64])
        assert.throws(() => opened.crypto.signingKey(new Uint8Array(length)), RangeError)
    })

    test('signs in 64 bytes, the same for the same message, and verifies that', async () => {
      await using opened = await open()
      const { crypto } = opened
      const key = crypto.signingKey(seed(1))
      for (const message of [new Uint8Array(), bytes('abc'), new Uint8Array(100_000).fill(7)]) {
        const signature = key.sign(message)
        assert.equal(signature.length, 64)
        assert.deepEqual(key.sign(message), signature)
        assert.equal(crypto.verify(key.publicKey, message, signature), true)
      }
    })

    test('verifies views of larger buffers', async () => {
      await using opened = await open()
      const { crypto } = opened
      const key = crypto.signingKey(seed(1))
      const message = bytes('abc')
      const frame = new Uint8Array(128)
      frame.set(key.publicKey, 1)
      frame.set(message, 33)
      frame.set(key.sign(message), 36)
      assert.equal(crypto.verify(frame.subarray(1, 33), frame.subarray(33, 36), frame.subarray(36, 100)), true)
    })

    test('tells keys apart that lie in one buffer', async () => {
      await using opened = await open()
      const { crypto } = opened
      const message = bytes('abc')
      const keys = [crypto.signingKey(seed(1)), crypto.signingKey(seed(2))]
      const buffer = new Uint8Array(64)
      for (const [at, { publicKey }] of keys.entries()) buffer.set(publicKey, at * 32)
      for (const [at, { sign }] of keys.entries())
        for (const other of keys.keys())
          assert.equal(
            crypto.verify(buffer.subarray(other * 32, other * 32 + 32), message, sign(message)),
            at === other,
          )
    })

    test('finds every changed bit of message, signature and key', async () => {
      await using opened = await open()
      const { crypto } = opened
      const { publicKey, sign } = crypto.signingKey(seed(1))
      const message = bytes('amcp')
      const signature = sign(message)
      for (const bytesOf of [() => publicKey, () => message, () => signature])
        for (let bit = 0; bit < bytesOf().length * 8; bit += 1) {
          const flip = (part: Uint8Array): Uint8Array => (part === bytesOf() ? flipped(part, bit) : part)
          assert.equal(crypto.verify(flip(publicKey), flip(message), flip(signature)), false, `bit ${bit}`)
        }
    })

    test('answers false, and throws nothing, for keys and signatures of any other form', async () => {
      await using opened = await open()
      const { crypto } = opened
      const key = crypto.signingKey(seed(1))
      const message = bytes('abc')
      const signature = key.sign(message)
      for (const length of [0, 1, 31, 33, 64])
        assert.equal(crypto.verify(new Uint8Array(length), message, signature), false)
      for (const length of [0, 1, 63, 65, 128])
        assert.equal(crypto.verify(key.publicKey, message, new Uint8Array(length)), false)
      for (let fill = 0; fill < 256; fill += 1) assert.equal(crypto.verify(seed(fill), message, signature), false)
    })
  })
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >>> 3]! ^= 1 << (bit & 7)
  return copy
}
