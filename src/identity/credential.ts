import { toString as encodeBytes } from 'uint8arrays/to-string'
import type { Crypto } from '../core/crypto.ts'

/** Bytes of a credential's name. */
export const CREDENTIAL_HASH_LENGTH = 16

/** A credential with the name that frames call it by: the first 16 bytes of its SHA-256. */
export interface Credential {
  readonly hash: Uint8Array
  readonly bytes: Uint8Array
}

export const credentialOf = (crypto: Crypto, bytes: Uint8Array): Credential => ({
  hash: crypto.sha256(bytes).subarray(0, CREDENTIAL_HASH_LENGTH),
  bytes,
})

/** A hash as the key of a map. */
export const hashKey = (hash: Uint8Array): string => encodeBytes(hash, 'latin1')
