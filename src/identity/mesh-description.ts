import { toString as encodeBytes } from 'uint8arrays/to-string'
import { z } from 'zod'
import type { Crypto } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import { DEFAULT_SHARD_COUNT } from '../events/shard.ts'
import { didKeyOf, publicKeyOfDid } from './did-key.ts'

/** Hexadecimal digits of a mesh's id. */
const ID_DIGITS = 32

/** The public, shareable description of a mesh: mesh.json. */
const Description: z.ZodType<MeshDescription> = z.strictObject({
  version: z.literal(1),
  /** 32 hexadecimal digits of SHA-256(root key, name). */
  mesh: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits'),
  name: z.string().min(1).max(64),
  /** did:key of the organisation root. */
  root: z.string().startsWith('did:key:z'),
  /** Where members can be dialled, as multiaddrs. */
  addresses: z.array(z.string()).max(64).default([]),
  shards: z
    .int()
    .min(1)
    .max(4096)
    .refine((count) => (count & (count - 1)) === 0, 'must be a power of two')
    .default(DEFAULT_SHARD_COUNT),
})
export interface MeshDescription {
  readonly version: 1
  readonly mesh: string
  readonly name: string
  readonly root: string
  readonly addresses: string[]
  readonly shards: number
}

/** A new mesh of a root key. */
export function describeMesh(
  crypto: Crypto,
  rootKey: Uint8Array,
  name: string,
  addresses: readonly string[] = [],
): MeshDescription {
  return Description.parse({
    version: 1,
    mesh: meshIdOf(crypto, rootKey, name),
    name,
    root: didKeyOf(rootKey),
    addresses: [...addresses],
  })
}

const meshIdOf = (crypto: Crypto, rootKey: Uint8Array, name: string): string =>
  encodeBytes(crypto.sha256(rootKey, new TextEncoder().encode(name)), 'hex').slice(0, ID_DIGITS)

/** A checked description of anything parsed. ERR_MESH_FILE_INVALID naming the field. */
export function readMeshDescription(crypto: Crypto, parsed: unknown): MeshDescription {
  const result = Description.safeParse(parsed)
  if (!result.success) {
    const issue = result.error.issues[0]
    const field = issue?.path.join('.') ?? ''
    throw new AmcpError(
      'ERR_MESH_FILE_INVALID',
      `the mesh file is wrong at ${field || 'its root'}: ${issue?.message}`,
      {
        details: { field },
      },
    )
  }
  let root: Uint8Array
  try {
    root = publicKeyOfDid(result.data.root)
  } catch (cause) {
    throw new AmcpError('ERR_MESH_FILE_INVALID', 'the mesh file is wrong at root: not a did:key', {
      cause,
      details: { field: 'root' },
    })
  }
  if (meshIdOf(crypto, root, result.data.name) !== result.data.mesh) {
    throw new AmcpError('ERR_MESH_FILE_INVALID', 'the mesh file is wrong at mesh: not the id of this root and name', {
      details: { field: 'mesh' },
    })
  }
  return result.data
}
