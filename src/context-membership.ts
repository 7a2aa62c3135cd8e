import { AmcpError } from './core/errors.ts'
import { publicKeyOf } from './core/ids.ts'
import type { Ports } from './core/ports.ts'
import { originOf, originTag } from './identity/agent-id.ts'
import { type ContextIdentity, membershipJudge } from './identity/context-identity.ts'
import type { MeshDescription } from './identity/mesh-description.ts'
import type { MemberCredentials } from './membership/member-credentials.ts'

/** What membership asks of identity. */
export function memberCredentials({ crypto }: Pick<Ports, 'crypto'>, identity: ContextIdentity): MemberCredentials {
  const judge = membershipJudge(crypto, identity.mesh)
  return {
    mesh: identity.mesh.mesh,
    own: identity.membership,
    sign: (message) => identity.key.sign(message),
    check: (context, membership, now) => void judge(context, membership, now),
    originOfContext: (context) => originTag(crypto, publicKeyOf(context)),
    originOfAgent: originOf,
  }
}

/** The addresses of the mesh that both describe. ERR_WRONG_MESH when they are two meshes. */
export function joinAddresses(own: MeshDescription, given: MeshDescription | undefined): readonly string[] {
  if (given === undefined) return own.addresses
  if (given.mesh !== own.mesh) {
    throw new AmcpError('ERR_WRONG_MESH', `the mesh file is of ${given.mesh}, the identity of ${own.mesh}`, {
      details: { mesh: given.mesh },
    })
  }
  return [...new Set([...own.addresses, ...given.addresses])]
}
