import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { MeshBrokerOptions } from './broker/mesh/mesh-broker.ts'
import type { AmcpError } from './core/errors.ts'
import type { Logger } from './core/logger.ts'
import type { Ports } from './core/ports.ts'
import type { Store } from './core/store.ts'
import type { ContextIdentity } from './identity/context-identity.ts'
import type { MeshDescription } from './identity/mesh-description.ts'
import type { MembershipTiming } from './membership/timing.ts'
import type { NetworkPreset } from './network/libp2p/preset.ts'
import type { Network } from './network/network.ts'

/** How a context is made. Without `mesh`, `folder` and `identity` it founds a mesh of its own that nobody can join. */
export interface ContextOptions {
  /**
   * The mesh file, or what it says. A path alone names the context's folder, too: the one that the file lies in.
   * With `folder` or `identity` it only adds the addresses to join by, and must be of the same mesh.
   */
  mesh?: string | MeshDescription
  /** The context's folder, as `amcp init` and `amcp join` make it: key, membership, store. One process at a time. */
  folder?: string
  /** Who the context is, instead of what a folder says. */
  identity?: ContextIdentity
  /**
   * Multiaddrs to listen at. Not with `network`.
   * @default ['/ip4/127.0.0.1/tcp/0'], which this machine alone reaches; with `mdns` ['/ip4/0.0.0.0/tcp/0']
   */
  listen?: readonly string[]
  /**
   * Multiaddrs, without `/p2p/`, where others can dial this context besides those it listens at: what a router or a
   * container's host forwards to it. Not with `network`. @default []
   */
  announce?: readonly string[]
  /** Multiaddrs of members to join by, besides those of the mesh file: one that answers is enough. */
  bootstrap?: readonly string[]
  /** Whether to find members on the local network, and be found by them. Not with `network`. @default false */
  mdns?: boolean
  /** Bounds and waits of the links: `lanNetwork` or `wanNetwork`. Not with `network`. @default lanNetwork */
  preset?: NetworkPreset
  /**
   * False dials only `bootstrap`, for lines and rings: what is for one agent then reaches linked contexts only. In a
   * mesh of more than 64 either all say so or none: the others pass on few shards, and this one has no link to them.
   * @default true
   */
  dialBeyond?: boolean
  /** How events are laid on lanes: limits, budgets, signatures. */
  lanes?: Omit<MeshBrokerOptions, 'shardCount'>
  /**
   * Schemas by topic pattern, for what is published and for what arrives: data that does not fit is refused before it is sent
   * (ERR_SCHEMA_MISMATCH), and dropped before a handler sees it (`agents.data-mismatch`, `context.data-mismatch`). Sent is what
   * a schema gives back, so it must take what it gives: defaults may be filled in, but a text must not become a number.
   */
  schemas?: Readonly<Record<string, StandardSchemaV1>>
  /**
   * Calls in flight from here to other contexts, and as many from these to here. What is too much is refused with
   * ERR_QUEUE_FULL here, and answered with ERR_MAILBOX_FULL there; calls within the context count nowhere. @default 65_536
   */
  callLimit?: number
  /**
   * Longest the event loop may stand still before the running agent is named on standard error, in ms; false: nobody
   * watches. Not with `ports`, whose clock may be no real one: then nobody watches either.
   * @default 2_000
   */
  watchdog?: number | false
  /** Not with `ports`, which have one. @default silentLogger */
  logger?: Logger
  /**
   * The context had to stop: ERR_DUPLICATE_IDENTITY (another process lives under its key), ERR_MEMBERSHIP_EXPIRED.
   * Logged as an error in any case. During the start the returned promise rejects instead.
   */
  onFault?: (fault: AmcpError) => void
  /** Gives up starting. */
  signal?: AbortSignal
  /** Waits of the membership layer. */
  timing?: Partial<MembershipTiming>
  /** Instead of the machine's own time, chance, cryptography, logger and counters; takes no `logger` and no `watchdog`. */
  ports?: Ports
  /** Instead of libp2p; its id must be the identity's. Takes no `listen`, `announce`, `mdns` and `preset`. */
  network?: Network
  /** Instead of the folder's LevelDB; whoever gives it closes it. */
  store?: Store
}
