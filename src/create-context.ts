import { meshBroker } from './broker/mesh/mesh-broker.ts'
import { type Context, MeshContext } from './context.ts'
import { agentMint } from './context-agents.ts'
import { ContextFaults } from './context-faults.ts'
import { joinAddresses, memberCredentials } from './context-membership.ts'
import type { ContextOptions } from './context-options.ts'
import type { LifeCycle } from './core/life-cycle.ts'
import { memoryStore } from './core/memory-store.ts'
import type { Store } from './core/store.ts'
import { TopicSchemas } from './events/schemas.ts'
import { foundMemoryMesh, membershipJudge } from './identity/context-identity.ts'
import { SecurityManager } from './identity/security-manager.ts'
import { meshMembers } from './membership/mesh-members.ts'

/**
 * Starts a context: store, watchdog, faults, network, members, broker, agents, in this order; when one fails, those before it are stopped
 * again and the promise rejects. Usable at once when it resolves: what others publish from then on arrives. Addresses
 * where nobody answers do not fail it: it goes on alone and keeps trying.
 * TypeError for an address that is none, and for an option that a given part leaves nothing to do.
 * ERR_USAGE, ERR_MESH_FILE_INVALID, ERR_NOT_A_MEMBER, ERR_MEMBERSHIP_EXPIRED, ERR_WRONG_MESH, ERR_FOLDER_IN_USE,
 * ERR_STORE_UNREADABLE, ERR_ADDRESS_IN_USE, ERR_LISTEN_FAILED, ERR_DUPLICATE_IDENTITY.
 */
export async function createContext(options: ContextOptions = {}): Promise<Context> {
  options.signal?.throwIfAborted()
  refuseIdle(options, 'ports', ['logger', 'watchdog'])
  refuseIdle(options, 'network', ['listen', 'announce', 'mdns', 'preset'])
  // A file of its own, so that whoever gives all parts (a simulation, later a browser) does without Node's.
  const node = await import('./context-defaults.ts')
  const ports = options.ports ?? node.defaultPorts(options)
  const folder = node.folderOf(options)
  const identity =
    options.identity ?? (folder === undefined ? foundMemoryMesh(ports).member() : node.folderIdentity(ports, folder))
  const { mesh, key, id } = identity
  const given = typeof options.mesh === 'string' ? node.meshFile(ports, options.mesh) : options.mesh
  const addresses = [...joinAddresses(mesh, given), ...(options.bootstrap ?? [])]
  const membership = membershipJudge(ports.crypto, mesh)(id, identity.membership, ports.clock.now())
  const faults = new ContextFaults(ports, membership.expiresAt * 1_000, options)
  const network = options.network ?? node.defaultNetwork(ports, identity, options)
  if (network.id !== id) throw new TypeError(`the network is of ${network.id}, the identity of ${id}`)
  const watch = options.ports === undefined ? node.defaultWatchdog(ports, options.watchdog ?? 2_000) : undefined

  const store = options.store ?? (folder === undefined ? await memoryStore() : await node.folderStore(folder))
  try {
    const security = new SecurityManager({ ports, context: id, key, membership })
    const members = meshMembers(
      { ports, network, store, credentials: memberCredentials(ports, identity) },
      {
        addresses: options.dialBeyond === false ? (options.bootstrap ?? []) : addresses,
        shards: mesh.shards,
        fault: (fault) => faults.raise(fault),
        ...(options.dialBeyond === undefined ? {} : { dialBeyond: options.dialBeyond }),
        ...(options.timing === undefined ? {} : { timing: options.timing }),
      },
    )
    const broker = meshBroker(
      { ports, network, members, identity, tokens: security },
      { ...options.lanes, shardCount: mesh.shards },
    )
    const owned = options.store === undefined ? [closing(store)] : []
    const context = new MeshContext(
      {
        ports,
        members,
        broker,
        mint: agentMint(ports, key.publicKey),
        security,
        schemas: new TopicSchemas(options.schemas),
        ...(watch === undefined ? {} : { watch }),
        addresses: () => network.addresses,
        neighbours: () => network.peers.filter((peer) => network.isAdmitted(peer)),
        lanes: broker.lanes,
        onLink: (listener) => network.onPeer(listener),
        foundation: [...owned, ...(watch === undefined ? [] : [watch]), faults, network, members, broker],
      },
      options.callLimit === undefined ? {} : { limit: options.callLimit },
    )
    await context.start({ signal: faults.signal })
    faults.started(() => context.stop())
    return context
  } catch (fault) {
    // A start that failed has closed it already; closing twice is nothing.
    if (options.store === undefined) await store.close()
    throw fault
  }
}

/** An option for a part that is made here does nothing when that part is given. */
function refuseIdle(
  options: ContextOptions,
  part: 'ports' | 'network',
  names: readonly (keyof ContextOptions)[],
): void {
  if (options[part] === undefined) return
  for (const name of names)
    if (options[name] !== undefined)
      throw new TypeError(
        `the options ${name} and ${part} exclude each other: ${name} does nothing beside a given ${part}`,
      )
}

function closing(store: Store): LifeCycle {
  return { start: async () => {}, stop: () => store.close() }
}
