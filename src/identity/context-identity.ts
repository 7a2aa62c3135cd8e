import type { Crypto, SigningKey } from '../core/crypto.ts'
import { type ContextId, contextIdOf } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import { publicKeyOfDid } from './did-key.ts'
import {
  fullGrant,
  issueMembership,
  MEMBERSHIP_SECONDS,
  type Membership,
  type MeshTrust,
  verifyMembership,
} from './membership-credential.ts'
import { describeMesh, type MeshDescription } from './mesh-description.ts'

/** Bytes of an Ed25519 seed. */
export const SEED_LENGTH = 32

/** Who a context is: its key, its mesh, and its right to be there. */
export interface ContextIdentity {
  readonly id: ContextId
  readonly key: SigningKey
  readonly seed: Uint8Array
  readonly mesh: MeshDescription
  /** The membership credential. */
  readonly membership: Uint8Array
}

export interface Grant extends Partial<Pick<Membership, 'roles' | 'publish' | 'subscribe'>> {
  /** @default 172_800, 48 h */
  readonly seconds?: number
}

export const trustOf = (mesh: MeshDescription): MeshTrust => ({ mesh: mesh.mesh, root: publicKeyOfDid(mesh.root) })

/** Signs a membership for a context's key with the mesh's root (or a delegate's) key. */
export function admitContext(
  ports: Pick<Ports, 'clock'>,
  signer: SigningKey,
  mesh: MeshDescription,
  publicKey: Uint8Array,
  { seconds = MEMBERSHIP_SECONDS, ...grant }: Grant = {},
): Uint8Array {
  const issuedAt = Math.floor(ports.clock.now() / 1_000)
  return issueMembership(signer, {
    ...fullGrant,
    ...grant,
    mesh: mesh.mesh,
    context: contextIdOf(publicKey),
    issuedAt,
    expiresAt: issuedAt + seconds,
  })
}

/** The identity of a seed and a membership. ERR_NOT_A_MEMBER, ERR_WRONG_MESH, ERR_MEMBERSHIP_EXPIRED, ERR_CLOCK_SKEW. */
export function identityOf(
  ports: Pick<Ports, 'clock' | 'crypto'>,
  mesh: MeshDescription,
  seed: Uint8Array,
  membership: Uint8Array,
): ContextIdentity {
  const key = ports.crypto.signingKey(seed)
  const id = contextIdOf(key.publicKey)
  verifyMembership(ports.crypto, trustOf(mesh), id, membership, ports.clock.now())
  return { id, key, seed, mesh, membership }
}

/** A mesh in memory whose root key signs any number of members, then is forgotten: for one process, tests and simulations. */
export interface MemoryMesh {
  readonly description: MeshDescription
  /** A member with a new key, or that of a seed. */
  member(seed?: Uint8Array, grant?: Grant): ContextIdentity
}

export function foundMemoryMesh(ports: Pick<Ports, 'clock' | 'crypto' | 'random'>, name = 'memory'): MemoryMesh {
  const root = ports.crypto.signingKey(ports.random.bytes(SEED_LENGTH))
  const description = describeMesh(ports.crypto, root.publicKey, name)
  return {
    description,
    member(seed = ports.random.bytes(SEED_LENGTH), grant = {}) {
      const { publicKey } = ports.crypto.signingKey(seed)
      return identityOf(ports, description, seed, admitContext(ports, root, description, publicKey, grant))
    },
  }
}

/** What judges other contexts' memberships in this mesh. Throws as `verifyMembership` does. */
export const membershipJudge = (
  crypto: Crypto,
  mesh: MeshDescription,
): ((context: ContextId, membership: Uint8Array, now: number) => Membership) => {
  const trust = trustOf(mesh)
  return (context, membership, now) => verifyMembership(crypto, trust, context, membership, now)
}
