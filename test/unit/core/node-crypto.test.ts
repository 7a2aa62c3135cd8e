import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'

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
