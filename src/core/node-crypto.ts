import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { Crypto, SigningKey } from './crypto.ts'
import { LruCache } from './lru-cache.ts'
import { nodeSha256 } from './node-sha256.ts'

/** DER before the 32 bytes of a seed (RFC 8410, PKCS #8) and of a public key (SubjectPublicKeyInfo). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const KEY_LENGTH = 32
const SIGNATURE_LENGTH = 64

export interface NodeCryptoOptions {
  /** How many imported public keys are kept; an import costs a fifth of a verification. @default 4_096 */
  keyCapacity?: number
}

/** OpenSSL's Ed25519 and SHA-256, with the imported keys kept. */
export function nodeCrypto({ keyCapacity = 4_096 }: NodeCryptoOptions = {}): Crypto {
  const keys = new LruCache<string, KeyObject>(keyCapacity)

  const importKey = (publicKey: Uint8Array): KeyObject => {
    const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, KEY_LENGTH).toString('latin1')
    let key = keys.get(name)
    if (key === undefined) {
      key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' })
      keys.set(name, key)
    }
    return key
  }

  return {
    sha256: nodeSha256,
    signingKey: (seed) => nodeSigningKey(seed),
    verify: (publicKey, message, signature) =>
      publicKey.length === KEY_LENGTH &&
      signature.length === SIGNATURE_LENGTH &&
      verify(null, message, importKey(publicKey), signature),
  }
}

function nodeSigningKey(seed: Uint8Array): SigningKey {
  if (seed.length !== KEY_LENGTH) throw new RangeError(`an Ed25519 seed has 32 bytes, got ${seed.length}`)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: Uint8Array.from(spki.subarray(SPKI_PREFIX.length)),
    sign: (message) => {
      const signature = sign(null, message, key)
      return new Uint8Array(signature.buffer, signature.byteOffset, signature.byteLength)
    },
  }
}
