import type { Crypto } from './crypto.ts'
import { nodeSha256 } from './node-sha256.ts'

const KEY_LENGTH = 32
const SIGNATURE_LENGTH = 64
const KEY_DOMAIN = new TextEncoder().encode('amcp simulated key')

/**
 * Real SHA-256 with pretended Ed25519: a signature is SHA-256(public key, message), twice. It has the true sizes, costs a
 * hash, and notices changed messages and wrong keys; but whoever knows the public key can make one, so never use it
 * outside a simulation.
 */
export function simulatedCrypto(): Crypto {
  return {
    sha256: nodeSha256,
    signingKey: (seed) => {
      if (seed.length !== KEY_LENGTH) throw new RangeError(`an Ed25519 seed has 32 bytes, got ${seed.length}`)
      const publicKey = nodeSha256(KEY_DOMAIN, seed)
      return { publicKey, sign: (message) => pretendedSignature(publicKey, message) }
    },
    verify: (publicKey, message, signature) => {
      if (publicKey.length !== KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return false
      const expected = pretendedSignature(publicKey, message)
      return expected.every((byte, at) => byte === signature[at])
    },
  }
}

function pretendedSignature(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const half = nodeSha256(publicKey, message)
  const signature = new Uint8Array(SIGNATURE_LENGTH)
  signature.set(half)
  signature.set(half, half.length)
  return signature
}
