import { dirname } from 'node:path'
import { ThreadWatchdog } from './agent/thread-watchdog.ts'
import type { ContextOptions } from './context-options.ts'
import { systemPorts } from './core/default-ports.ts'
import { levelStore } from './core/level-store.ts'
import type { Ports } from './core/ports.ts'
import type { Store } from './core/store.ts'
import { folderPaths, readIdentity, readMeshFile } from './identity/context-folder.ts'
import type { ContextIdentity } from './identity/context-identity.ts'
import type { MeshDescription } from './identity/mesh-description.ts'
import { libp2pNetwork } from './network/libp2p/libp2p-network.ts'
import { parsed } from './network/libp2p/peers.ts'
import type { Network } from './network/network.ts'

/** What a context on Node takes from the machine where its options say nothing else. */

export function defaultPorts({ logger }: ContextOptions): Ports {
  return systemPorts(logger === undefined ? {} : { logger })
}

/** The context's folder, by its own name or by that of the mesh file in it. */
export function folderOf({ folder, mesh, identity }: ContextOptions): string | undefined {
  if (folder !== undefined) return folder
  return typeof mesh === 'string' && identity === undefined ? dirname(mesh) : undefined
}

/** ERR_USAGE, ERR_MESH_FILE_INVALID, ERR_NOT_A_MEMBER, ERR_MEMBERSHIP_EXPIRED, ERR_WRONG_MESH. */
export function folderIdentity(ports: Ports, folder: string): ContextIdentity {
  return readIdentity(ports, folder)
}

export function meshFile(ports: Ports, path: string): MeshDescription {
  return readMeshFile(ports, path)
}

/** ERR_FOLDER_IN_USE, ERR_STORE_UNREADABLE. */
export function folderStore(folder: string): Promise<Store> {
  return levelStore(folderPaths(folder).store)
}

/** TypeError for an address that is none, which would be tried in vain for ever. */
export function defaultNetwork(ports: Ports, identity: ContextIdentity, options: ContextOptions): Network {
  const { listen, announce, mdns = false, preset, dialBeyond = true, bootstrap = [] } = options
  for (const address of bootstrap) parsed(address)
  const given = new Set(bootstrap.map((address) => address.split('/p2p/').at(-1)))
  const { seed, mesh } = identity
  return libp2pNetwork({
    ports,
    seed,
    meshId: mesh.mesh,
    mdns,
    ...(dialBeyond ? {} : { mayDial: (peer) => given.has(peer) }),
    ...(listen === undefined ? {} : { listen }),
    ...(announce === undefined ? {} : { announce }),
    ...(preset === undefined ? {} : { preset }),
  })
}

export function defaultWatchdog(ports: Ports, limit: number | false): ThreadWatchdog | undefined {
  return limit === false ? undefined : new ThreadWatchdog(ports, { limit })
}
