import type { Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { systemPorts } from '../../src/core/default-ports.ts'
import { AdmissionGate } from '../../src/network/libp2p/admission-gate.ts'
import { createNode, type Node } from '../../src/network/libp2p/create-node.ts'
import { lanNetwork } from '../../src/network/libp2p/preset.ts'
import { RejectScores } from '../../src/network/libp2p/scoring.ts'
import type { Network } from '../../src/network/network.ts'
import { type Libp2pMesh, openLibp2p } from '../integration/libp2p-mesh.ts'

export const TOPIC = 'amcp/1/fault/s/1/0'
const preset = { ...lanNetwork, gossipStreamTimeout: 200 }

export interface Prepared extends AsyncDisposable {
  readonly network: Network
  readonly mesh: Libp2pMesh
  readonly peer: Node
  readonly heard: number[]
}

/** A network, linked with a bare libp2p node that admits everybody and whose streams a test can break. */
export async function prepared(): Promise<Prepared> {
  const mesh = await openLibp2p(1, () => ({ preset: { ...preset, openTimeout: 300 }, meshId: 'fault' }))
  const network = mesh.networks[0]!
  const ports = systemPorts()
  const gate = new AdmissionGate(ports, (id) => peer.getConnections(id)[0])
  const peer: Node = await createNode(
    {
      ports,
      preset,
      meshId: 'fault',
      seed: ports.random.bytes(32),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      mdns: false,
      bootstrap: [],
      maxConnections: 10,
      maxPending: 10,
      mayLink: () => true,
      mayDial: () => true,
    },
    { gate, scores: new RejectScores(ports.clock), isSearching: () => false, onFound: () => {} },
  )
  peer.addEventListener('peer:connect', ({ detail }) => gate.admit(detail.toString()))
  peer.addEventListener('peer:disconnect', ({ detail }) => gate.withdraw(detail.toString()))
  network.gossip.subscribe(TOPIC)
  network.onPeer({ connected: (id) => network.admit(id) })
  await Promise.all([network.start(), peer.start()])
  const heard: number[] = []
  peer.services.pubsub.subscribe(TOPIC)
  peer.services.pubsub.addEventListener('message', ({ detail }) => heard.push(detail.data[0]!))
  await network.dial(multiaddr(peer.getMultiaddrs()[0]!).toString())
  await mesh.until(() => network.gossip.subscribers(TOPIC).length === 1, 'subscribed')
  await mesh.until(() => inboundStream(peer, network.id) !== undefined, 'a gossip stream')
  network.gossip.publish(TOPIC, Uint8Array.of(1))
  await mesh.until(() => heard.includes(1), 'heard')
  const dispose = async (): Promise<void> => {
    await peer.stop()
    await mesh[Symbol.asyncDispose]()
  }
  return { network, mesh, peer, heard, [Symbol.asyncDispose]: dispose }
}

/** The stream by which the network's frames come to the peer. */
export function inboundStream(peer: Node, from: string): Stream | undefined {
  return peer
    .getConnections(peerIdFromString(from))
    .flatMap(({ streams }) => streams)
    .find((stream) => stream.direction === 'inbound' && stream.protocol.startsWith('/meshsub/'))
}
