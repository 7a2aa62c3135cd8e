import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import { isMintedBy, mintAgentId, originOf, originTag } from '../../../src/identity/agent-id.ts'
import { issueBirthCertificate, verifyBirthCertificate } from '../../../src/identity/birth-certificate.ts'
import { didKeyOf, publicKeyOfDid } from '../../../src/identity/did-key.ts'

const crypto = nodeCrypto()
const keyOf = (index: number) => crypto.signingKey(new Uint8Array(32).fill(index))
const uuid8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const bitsOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')

describe('agent ids', () => {
  test('are UUIDs of version 8, the same for the same name', () => {
    const id = mintAgentId(crypto, keyOf(1).publicKey, 'sensor', 'line-1')
    expect(id).toMatch(uuid8)
    expect(mintAgentId(crypto, keyOf(1).publicKey, 'sensor', 'line-1')).toBe(id)
  })

  test('are laid out as the protocol says: 64 bits of the origin, then 58 of the name', () => {
    const key = keyOf(3).publicKey
    const id = mintAgentId(crypto, key, 'sensor', 'line-1')
    const bits = bitsOf(Buffer.from(id.replaceAll('-', ''), 'hex'))
    const free = bits.slice(0, 48) + bits.slice(52, 64) + bits.slice(66)
    expect(free.slice(0, 64)).toBe(bitsOf(crypto.sha256(key)).slice(0, 64))
    expect(free.slice(64)).toBe(bitsOf(crypto.sha256(key, Buffer.from('\x06\0\0\0sensor\x01line-1'))).slice(0, 58))
  })

  test('differ by origin, type and name', () => {
    const ids = new Set(
      [1, 2].flatMap((index) =>
        ['a', 'b'].flatMap((type) => ['x', 'y'].map((name) => mintAgentId(crypto, keyOf(index).publicKey, type, name))),
      ),
    )
    expect(ids.size).toBe(8)
  })

  test('differ also where type and name, or name and nonce, are the same bytes', () => {
    const key = keyOf(1).publicKey
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
    const ids = [
      mintAgentId(crypto, key, 'a', 'b\0c'),
      mintAgentId(crypto, key, 'a\0b', 'c'),
      mintAgentId(crypto, key, 'a', '\x01c'),
      mintAgentId(crypto, key, 'a\x01', 'c'),
      mintAgentId(crypto, key, 'a', 'sixteen letters!'),
      mintAgentId(crypto, key, 'a', bytes('sixteen letters!')),
      mintAgentId(crypto, key, 'a', bytes('\x01c')),
    ]
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('can be minted from random bytes', () => {
    expect(mintAgentId(crypto, keyOf(1).publicKey, 'a', Uint8Array.of(1, 2, 3))).toMatch(uuid8)
  })

  test('name the origin that alone could mint them', () => {
    for (let index = 0; index < 64; index += 1) {
      const { publicKey } = keyOf(index)
      const id = mintAgentId(crypto, publicKey, 'sensor', `n${index}`)
      expect(originOf(id)).toBe(originTag(crypto, publicKey))
      expect(isMintedBy(crypto, id, publicKey)).toBe(true)
      expect(isMintedBy(crypto, id, keyOf(index + 1).publicKey)).toBe(false)
    }
  })
})

describe('birth certificates', () => {
  const origin = keyOf(1)
  const agent = mintAgentId(crypto, origin.publicKey, 'sensor', 'line-1')

  test('say what an agent is', () => {
    const certificate = { agent, type: 'sensor', name: 'line-1', roles: ['agent'] }
    expect(verifyBirthCertificate(crypto, origin.publicKey, issueBirthCertificate(origin, certificate))).toEqual(
      certificate,
    )
    const nameless = { ...certificate, name: undefined }
    expect(verifyBirthCertificate(crypto, origin.publicKey, issueBirthCertificate(origin, nameless))).toEqual(nameless)
  })

  test('of an agent that the signer did not mint are refused', () => {
    const thief = keyOf(2)
    const text = issueBirthCertificate(thief, { agent, type: 'sensor', name: undefined, roles: [] })
    expect(() => verifyBirthCertificate(crypto, thief.publicKey, text)).toThrow('not minted')
  })
})

describe('did:key', () => {
  test('names a key and back', () => {
    const { publicKey } = keyOf(1)
    expect(didKeyOf(publicKey)).toMatch(/^did:key:z6Mk/)
    expect(publicKeyOfDid(didKeyOf(publicKey))).toEqual(publicKey)
  })

  test.each(['did:web:x', 'did:key:z0OIl', 'did:key:z6Mk', `did:key:z${'1'.repeat(46)}`])('%s is refused', (did) => {
    expect(() => publicKeyOfDid(did)).toThrow(TypeError)
  })
})
