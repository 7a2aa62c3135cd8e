import { systemPorts } from '../../../src/core/default-ports.ts'
import {
  type ContextIdentity,
  foundMemoryMesh,
  type Grant,
  identityOf,
} from '../../../src/identity/context-identity.ts'
import type { MeshDescription } from '../../../src/identity/mesh-description.ts'

/** An identity as it travels to a role's process. */
export interface PackedIdentity {
  readonly mesh: MeshDescription
  readonly seed: string
  readonly membership: string
}

const ports = systemPorts()

/** Members of a fresh closed mesh, to be handed to the processes of a benchmark. @param grants of each, in order; else all rights */
export function packedMembers(count: number, grants: readonly Grant[] = []): PackedIdentity[] {
  const mesh = foundMemoryMesh(ports, 'bench')
  return Array.from({ length: count }, (_, at) => {
    const { seed, membership } = mesh.member(undefined, grants[at])
    return {
      mesh: mesh.description,
      seed: Buffer.from(seed).toString('hex'),
      membership: Buffer.from(membership).toString('base64'),
    }
  })
}

export const unpackMember = ({ mesh, seed, membership }: PackedIdentity): ContextIdentity =>
  identityOf(ports, mesh, new Uint8Array(Buffer.from(seed, 'hex')), new Uint8Array(Buffer.from(membership, 'base64')))
