import type { ContextId } from '../core/ids.ts'

/** What membership needs of this context's identity and of the mesh's rules for admission. */
export interface MemberCredentials {
  /** The mesh's id: both ends of a link must name the same. */
  readonly mesh: string
  /** This context's membership as bytes, the newest one after a renewal. */
  readonly own: Uint8Array
  /** Ed25519 by this context's key: 64 bytes. */
  sign(message: Uint8Array): Uint8Array
  /**
   * Judges somebody's membership at wall time `now`, ms.
   * Throws ERR_NOT_A_MEMBER, ERR_MEMBERSHIP_EXPIRED or ERR_WRONG_MESH.
   */
  check(context: ContextId, membership: Uint8Array, now: number): void
}
