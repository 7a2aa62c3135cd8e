import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromString } from 'uint8arrays/from-string'
import { toString as encodeBytes } from 'uint8arrays/to-string'
import { AmcpError } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import { admitContext, type ContextIdentity, type Grant, identityOf, SEED_LENGTH } from './context-identity.ts'
import { didKeyOf, publicKeyOfDid } from './did-key.ts'
import { describeMesh, type MeshDescription, readMeshDescription } from './mesh-description.ts'

type FolderPorts = Pick<Ports, 'clock' | 'crypto' | 'random'>

/** A context's folder: its key, membership, mesh file, store and control socket. Two processes never share one: the store's lock sees to it. */
export interface FolderPaths {
  readonly mesh: string
  readonly key: string
  readonly membership: string
  /** The organisation root's key, only where the mesh was founded; belongs offline. */
  readonly rootKey: string
  readonly store: string
  readonly control: string
}

export const folderPaths = (folder: string): FolderPaths => ({
  mesh: join(folder, 'mesh.json'),
  key: join(folder, 'context.key'),
  membership: join(folder, 'membership.jws'),
  rootKey: join(folder, 'root.key'),
  store: join(folder, 'store'),
  control: join(folder, 'control.sock'),
})

/** Never through a link that somebody else has put there, and never over a file. ERR_USAGE. */
function writeNew(path: string, content: string | Uint8Array, mode = 0o666): void {
  try {
    writeFileSync(path, content, { flag: 'wx', mode })
  } catch (cause) {
    const message =
      (cause as NodeJS.ErrnoException).code === 'EEXIST'
        ? `${path} is there already, perhaps of a start that was interrupted, and nothing is written over it: choose another folder, or move the file away first`
        : `${path} cannot be written`
    throw new AmcpError('ERR_USAGE', message, { cause, details: { path } })
  }
}

/** As a whole or not at all, and in the place of a link rather than through it. */
function replace(path: string, content: Uint8Array): void {
  const next = `${path}.new`
  rmSync(next, { force: true })
  writeNew(next, content)
  renameSync(next, path)
}

/** Whoever may write into the folder may put his own key, mesh or socket there. ERR_USAGE. */
function refuseOpenFolder(folder: string): void {
  // Elsewhere the mode says nothing.
  if (process.platform === 'win32' || !existsSync(folder) || (statSync(folder).mode & 0o002) === 0) return
  throw new AmcpError('ERR_USAGE', `any user may write into ${folder}: take that right away first (chmod o-w)`, {
    details: { folder },
  })
}

const writeSecret = (path: string, text: string): void => writeNew(path, `${text}\n`, 0o600)

function newKey({ random, crypto }: FolderPorts, path: string): Uint8Array {
  const seed = random.bytes(SEED_LENGTH)
  writeSecret(path, encodeBytes(seed, 'hex'))
  return crypto.signingKey(seed).publicKey
}

function readSeed(path: string, hint?: string): Uint8Array {
  const text = readFileOrExplain(path, hint).trim()
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new AmcpError('ERR_CREDENTIAL_INVALID', `${path} holds no key: 64 hexadecimal digits are expected`, {
      details: { path },
    })
  }
  return fromString(text, 'hex')
}

const NO_CONTEXT = 'found a mesh with amcp init, or join one with amcp join'

/** @param hint how to come by the file. ERR_USAGE when it cannot be read. */
export function readFileOrExplain(path: string, hint: string = NO_CONTEXT): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new AmcpError('ERR_USAGE', `${path} cannot be read: ${hint}`, { cause, details: { path } })
  }
}

/** Reads and checks a mesh file. ERR_MESH_FILE_INVALID, ERR_USAGE when it is not there. */
export function readMeshFile({ crypto }: Pick<Ports, 'crypto'>, path: string, hint?: string): MeshDescription {
  const text = readFileOrExplain(path, hint)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new AmcpError('ERR_MESH_FILE_INVALID', `${path} is no JSON`, { cause, details: { field: '' } })
  }
  return readMeshDescription(crypto, parsed)
}

function refuseUsedFolder(folder: string): void {
  if (existsSync(folderPaths(folder).key)) {
    throw new AmcpError('ERR_USAGE', `${folder} already holds a context: choose another folder`, {
      details: { folder },
    })
  }
}

/** Founds a mesh: root key, mesh file, and the first context with its membership. */
export function foundMesh(
  ports: FolderPorts,
  folder: string,
  name: string,
  addresses: readonly string[] = [],
): MeshDescription {
  refuseUsedFolder(folder)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  refuseOpenFolder(folder)
  const paths = folderPaths(folder)
  const mesh = describeMesh(ports.crypto, newKey(ports, paths.rootKey), name, addresses)
  writeNew(paths.mesh, `${JSON.stringify(mesh, undefined, 2)}\n`)
  const publicKey = newKey(ports, paths.key)
  const root = ports.crypto.signingKey(readSeed(paths.rootKey))
  writeNew(paths.membership, admitContext(ports, root, mesh, publicKey))
  return mesh
}

/** Makes a newcomer's folder with a key of its own; returns the did:key to be admitted. */
export function prepareContext(ports: FolderPorts, folder: string, mesh: MeshDescription): string {
  refuseUsedFolder(folder)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  refuseOpenFolder(folder)
  const paths = folderPaths(folder)
  writeNew(paths.mesh, `${JSON.stringify(mesh, undefined, 2)}\n`)
  return didKeyOf(newKey(ports, paths.key))
}

/** Signs a membership for a did:key with the root key in the founder's folder. */
export function inviteContext(ports: FolderPorts, founder: string, did: string, grant: Grant = {}): Uint8Array {
  const paths = folderPaths(founder)
  const root = ports.crypto.signingKey(readSeed(paths.rootKey, 'only the folder that founded the mesh can invite'))
  return admitContext(ports, root, readMeshFile(ports, paths.mesh), publicKeyOfDid(did), grant)
}

/** Puts a membership into a newcomer's folder after checking it. ERR_NOT_A_MEMBER and its kin. */
export function acceptMembership(ports: FolderPorts, folder: string, membership: Uint8Array): ContextIdentity {
  const paths = folderPaths(folder)
  const identity = identityOf(ports, readMeshFile(ports, paths.mesh), readSeed(paths.key), membership)
  replace(paths.membership, membership)
  return identity
}

/** The did:key of a folder's context. */
export const didOfFolder = (ports: Pick<Ports, 'crypto'>, folder: string): string =>
  didKeyOf(ports.crypto.signingKey(readSeed(folderPaths(folder).key)).publicKey)

/** Opens a folder. ERR_USAGE, ERR_MESH_FILE_INVALID, ERR_NOT_A_MEMBER, ERR_MEMBERSHIP_EXPIRED. */
export function readIdentity(ports: FolderPorts, folder: string): ContextIdentity {
  refuseOpenFolder(folder)
  const paths = folderPaths(folder)
  const mesh = readMeshFile(ports, paths.mesh)
  const seed = readSeed(paths.key)
  if (!existsSync(paths.membership)) {
    const did = didOfFolder(ports, folder)
    throw new AmcpError(
      'ERR_NOT_A_MEMBER',
      `this context has no membership yet: have the founder run amcp invite ${did}`,
      {
        details: { did },
      },
    )
  }
  return identityOf(ports, mesh, seed, readFileSync(paths.membership))
}
