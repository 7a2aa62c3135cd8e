import type { Crypto, SigningKey } from '../core/crypto.ts'
import { publicKeyOf } from '../core/ids.ts'
import { originOf, originTag } from '../identity/agent-id.ts'
import { publicKeyOfDid } from '../identity/did-key.ts'
import { verifyMembership } from '../identity/membership-credential.ts'
import type { MeshDescription } from '../identity/mesh-description.ts'
import type { MemberCredentials } from './member-credentials.ts'

/** What is needed of a context's identity; its membership is read anew each time, so that a renewal shows. */
export interface MemberIdentity {
  readonly key: SigningKey
  readonly mesh: MeshDescription
  readonly membership: Uint8Array
}

/** The credentials of a context of a closed mesh: its key, its membership, and the root's key to judge others by. */
export function identityCredentials(crypto: Crypto, identity: MemberIdentity): MemberCredentials {
  const { mesh, root } = identity.mesh
  const trust = { mesh, root: publicKeyOfDid(root) }
  return {
    mesh,
    get own() {
      return identity.membership
    },
    sign: (message) => identity.key.sign(message),
    check: (context, membership, now) => {
      verifyMembership(crypto, trust, context, membership, now)
    },
    originOfContext: (context) => originTag(crypto, publicKeyOf(context)),
    originOfAgent: originOf,
  }
}
