import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import { equalBytes } from '../../events/frame/bytes.ts'
import type { Frame } from '../../events/frame/frame-reader.ts'
import { credentialOf, hashKey } from '../../identity/credential.ts'
import type { KnownCredential, KnownCredentials } from './known-credentials.ts'

export interface FrameCredentialsComponents {
  readonly ports: Ports
  readonly credentials: KnownCredentials
  /** The membership that the publisher announced to the mesh. */
  membershipOf(context: ContextId): Uint8Array | undefined
}

/** Memberships and tokens by the hashes that frames name, taken out of the frames themselves when they travel in full. */
export class FrameCredentials {
  readonly #parts: FrameCredentialsComponents

  constructor(parts: FrameCredentialsComponents) {
    this.#parts = parts
  }

  /**
   * What the frame names as its publisher's membership: known, in the frame, or as announced; undefined when it must be
   * asked for, `worthless` when it is here and admits nobody.
   */
  membership(frame: Frame): KnownCredential | 'worthless' | undefined {
    const { credentials, membershipOf } = this.#parts
    const { membershipHash } = frame.header
    const key = hashKey(membershipHash)
    const known = credentials.get(key)
    if (known !== undefined) return known
    const carried = frame.credentials().find((bytes) => equalBytes(this.#hashOf(bytes), membershipHash))
    const found = carried ?? membershipOf(frame.publisher)
    if (found !== undefined) credentials.absorb(frame.publisher, found)
    return credentials.get(key) ?? (carried === undefined ? undefined : 'worthless')
  }

  /**
   * Takes in the frame's tokens, to be called when its publisher is known to be a member: anybody can sign tokens for himself.
   * False when the publisher has so many new ones that it must wait. What follows a credential that is worth nothing is not looked at.
   */
  absorb(frame: Frame): boolean {
    const { credentials } = this.#parts
    const unknown = frame.credentials().filter((bytes) => credentials.get(hashKey(this.#hashOf(bytes))) === undefined)
    if (!credentials.mayVerify(frame.publisher, unknown.length)) return false
    for (const bytes of unknown) if (!credentials.absorb(frame.publisher, bytes)) break
    return true
  }

  /** The tokens of these hashes; the keys of those that are not known go to `missing`. */
  tokens(hashes: readonly Uint8Array[], missing: Set<string>): Map<Uint8Array, KnownCredential> {
    const tokens = new Map<Uint8Array, KnownCredential>()
    for (const hash of hashes) {
      const key = hashKey(hash)
      const token = this.#parts.credentials.get(key)
      if (token === undefined) missing.add(key)
      else tokens.set(hash, token)
    }
    return tokens
  }

  /** Keys of all that must be asked for before a frame without a known membership can be judged. */
  lacking(frame: Frame): Set<string> {
    const missing = new Set([hashKey(frame.header.membershipHash)])
    this.tokens(frame.tokenHashes(), missing)
    for (const bytes of frame.credentials()) missing.delete(hashKey(this.#hashOf(bytes)))
    return missing
  }

  #hashOf(bytes: Uint8Array): Uint8Array {
    return credentialOf(this.#parts.ports.crypto, bytes).hash
  }
}
