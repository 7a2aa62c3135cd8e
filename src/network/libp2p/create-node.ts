import { noise } from '@chainsafe/libp2p-noise'
import { bootstrap } from '@libp2p/bootstrap'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { type GossipSub, type GossipSubComponents, gossipsub } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { ConnectionGater, Logger, PeerDiscovery, PeerInfo } from '@libp2p/interface'
import { type KadDHT, type KadDHTComponents, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { type Ping, type PingComponents, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import { type AdmissionGate, gatedComponents } from './admission-gate.ts'
import { calmYamux } from './calm-yamux.ts'
import { dhtComponents } from './dht-components.ts'
import { joiningWrites } from './joined-writes.ts'
import { OwnAddresses, type OwnAddressesComponents } from './own-addresses.ts'
import { PendingLinks } from './pending-links.ts'
import type { NetworkPreset } from './preset.ts'
import { type RejectScores, scoreParams, scoreThresholds } from './scoring.ts'
import { socketTls } from './socket-tls.ts'

interface NodeServices extends Record<string, unknown> {
  readonly identify: Identify
  readonly ping: Ping
  readonly pubsub: GossipSub
  readonly dht: KadDHT
  readonly ownAddresses: OwnAddresses
}

export type Node = Libp2p<NodeServices>

export interface NodeOptions {
  readonly seed: Uint8Array
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly mdns: boolean
  readonly meshId: string
  readonly bootstrap: readonly string[]
  readonly maxConnections: number
  readonly maxPending: number
  readonly mayLink: (peer: ContextId) => boolean
  readonly mayDial: (peer: ContextId) => boolean
  readonly preset: NetworkPreset
  readonly ports: Ports
}

export interface NodeComponents {
  readonly gate: AdmissionGate
  readonly scores: RejectScores
  /** Whether a search of this context goes on in the DHT, which may dial for it. */
  isSearching(): boolean
  onFound(peer: PeerInfo): void
}

const MESSAGE_ID_LENGTH = 20
/** Many contexts may dial one at once, when it comes back: libp2p's 5 a second would reset most of them. */
const INBOUND_THRESHOLD = 1_000

/** Pings that wait for an answer, or for their end, on one link. */
const DHT_PINGS = 4

/** Puts the libp2p node together; it is not started. */
export async function createNode(options: NodeOptions, components: NodeComponents): Promise<Node> {
  const { ports, preset, meshId } = options
  const { gate, scores } = components
  // Meshes on one network do not see each other: the tag keeps mDNS answers and routing tables apart.
  const tag = Buffer.from(ports.crypto.sha256(new TextEncoder().encode(meshId))).toString('hex', 0, 8)
  const pubsub = gossipsub({
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: ({ data }) => ports.crypto.sha256(data).subarray(0, MESSAGE_ID_LENGTH),
    fallbackToFloodsub: false,
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    awaitRpcHandler: true,
    awaitRpcMessageHandler: true,
    tagMeshPeers: false,
    heartbeatInterval: preset.heartbeat,
    mcacheLength: 1,
    mcacheGossip: 1,
    D: 6,
    Dlo: 4,
    Dhi: 12,
    // Whoever leaves a topic and comes back is grafted again; gossipsub's own 10 s would leave it without frames.
    unsubcribeBackoff: 1_000,
    scoreParams: scoreParams(scores),
    scoreThresholds,
  })
  const dht = kadDHT({
    protocol: `/amcp/kad/1.0.0/${tag}`,
    clientMode: false,
    peerInfoMapper: passthroughMapper,
    allowQueryWithZeroPeers: true,
    reprovide: {
      validity: preset.recordValidity,
      threshold: preset.recordValidity / 2,
      interval: preset.recordValidity / 10,
    },
  })
  // Of the DHT: one for whom it has just met, one for whom it has known long.
  const dhtPing = ping({ maxInboundStreams: DHT_PINGS, maxOutboundStreams: DHT_PINGS })
  return createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', options.seed),
    start: false,
    logger: { forComponent: () => silent },
    addresses: { listen: [...options.listen], appendAnnounce: [...options.announce] },
    transports: [tcp()],
    connectionEncrypters: [joiningWrites(socketTls(), ports.clock), joiningWrites(noise(), ports.clock)],
    streamMuxers: [calmYamux(preset.window, ports.counters)],
    connectionGater: gater(options),
    connectionManager: {
      maxConnections: options.maxConnections,
      inboundConnectionThreshold: INBOUND_THRESHOLD,
      // Never reached: `PendingLinks` makes room before.
      maxIncomingPendingConnections: 2 * options.maxPending,
      // Who dials gives up then.
      inboundUpgradeTimeout: preset.dialTimeout,
      dialTimeout: preset.dialTimeout,
    },
    // Pings by a protocol that nobody serves: the refusal shows that the other end lives. libp2p's own ping allows one at a
    // time, and its monitor breaks the link off when the DHT, or its own last ping, still waits for an answer.
    connectionMonitor: {
      protocolPrefix: 'amcp-link',
      pingInterval: preset.pingInterval,
      pingTimeout: { minTimeout: preset.pingTimeout },
    },
    peerDiscovery: discovery(options, components, tag),
    services: {
      identify: identify(),
      ping: (inner: PingComponents): Ping => dhtPing(gatedComponents(inner, gate)),
      pubsub: (inner: GossipSubComponents): GossipSub => pubsub(gatedComponents(inner, gate)),
      dht: (inner: KadDHTComponents): KadDHT => dht(dhtComponents(inner, gate, () => components.isSearching())),
      ownAddresses: (inner: OwnAddressesComponents): OwnAddresses => new OwnAddresses(inner),
    },
  })
}

/** libp2p makes a logger for each stream and link, which by default asks the terminal each time whether it has colours. */
const silent: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => silent,
})

type Discovery = (
  components: Parameters<ReturnType<typeof mdns>>[0] & Parameters<ReturnType<typeof bootstrap>>[0],
) => PeerDiscovery

function discovery(options: NodeOptions, { onFound }: NodeComponents, tag: string): Discovery[] {
  const told =
    (create: Discovery): Discovery =>
    (components) => {
      const found = create(components)
      found.addEventListener('peer', ({ detail }) => onFound(detail))
      return found
    }
  const modules: Discovery[] = []
  if (options.mdns)
    modules.push(told(mdns({ serviceTag: `_amcp-${tag}._udp.local`, interval: options.preset.mdnsInterval })))
  if (options.bootstrap.length > 0) modules.push(told(bootstrap({ list: [...options.bootstrap], timeout: 0 })))
  return modules
}

function gater({ mayLink, mayDial, maxPending, ports }: NodeOptions): ConnectionGater {
  const pending = new PendingLinks(ports.counters, maxPending)
  return {
    denyInboundConnection: (link) => {
      pending.come(link)
      return false
    },
    denyInboundUpgradedConnection: (_peer, link) => {
      pending.done(link)
      return false
    },
    denyDialPeer: (peer) => !mayDial(peer.toString()) || !mayLink(peer.toString()),
    denyOutboundEncryptedConnection: (peer) => !mayLink(peer.toString()),
    denyInboundEncryptedConnection: (peer) => !mayLink(peer.toString()),
  }
}
