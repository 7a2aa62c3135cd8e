/**
 * Hashes and Ed25519 signatures, synchronous because validators run inside gossipsub's synchronous callback
 * and because a thread pool would destroy the simulator's determinism.
 */
export interface Crypto {
  /** SHA-256 over the concatenation of the parts: 32 bytes. */
  sha256(...parts: Uint8Array[]): Uint8Array
  /** The signing key of a 32-byte Ed25519 seed. */
  signingKey(seed: Uint8Array): SigningKey
  /** @param publicKey 32 bytes @param signature 64 bytes; false for anything malformed, never throws */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}

export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array
}
