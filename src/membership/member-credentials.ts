import type { AgentId, ContextId } from '../core/ids.ts'

/** What membership needs of this context's identity and of the mesh's rules for admission. */
export interface MemberCredentials {
  /** The mesh's id: both ends of a link must name the same. */
  readonly mesh: string
  /** This context's membership as bytes: one for its whole life. */
  readonly own: Uint8Array
  /** Ed25519 by this context's key: 64 bytes. */
  sign(message: Uint8Array): Uint8Array
  /**
   * Judges somebody's membership at wall time `now`, ms.
   * Throws ERR_NOT_A_MEMBER, ERR_MEMBERSHIP_EXPIRED or ERR_WRONG_MESH.
   */
  check(context: ContextId, membership: Uint8Array, now: number): void
  /** The 64 bits of a context's key by which the ids of its agents name it, as text. */
  originOfContext(context: ContextId): string
  /** The same bits out of an agent's id; for what is no agent id, a text that no context has. */
  originOfAgent(agent: AgentId): string
}
