import { connect, type Socket } from 'node:net'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { lanNetwork } from '../../src/network/libp2p/preset.ts'
import type { Network } from '../../src/network/network.ts'
import { openLibp2p } from '../integration/libp2p-mesh.ts'
import { prepared } from './bare-neighbour.ts'
import { plainPeer } from './plain-peer.ts'

const portOf = (network: Network): number => Number(/\/tcp\/(\d+)/.exec(network.addresses[0]!)![1])

function silent(network: Network, count: number): AsyncDisposable & { readonly sockets: readonly Socket[] } {
  const sockets = Array.from({ length: count }, () => connect(portOf(network), '127.0.0.1').on('error', () => {}))
  const dispose = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
  }
  return { sockets, [Symbol.asyncDispose]: dispose }
}

test.each([
  ['a stranger', 2],
  ['a member', 4],
])('%s that makes one connection after the other keeps %d, and others find a place', async (who, most) => {
  await using mesh = await openLibp2p(2, (at) => (at === 0 ? { maxConnections: 6 } : {}))
  await using hostile = await plainPeer()
  const [host, newcomer] = mesh.networks as [Network, Network]
  for (const network of mesh.networks) await network.start()
  if (who === 'a member') host.onPeer({ connected: (peer) => host.admit(peer) })
  const address = multiaddr(host.addresses[0]!)
  for (let at = 0; at < 12; at += 1) await hostile.node.dial(address, { force: true })
  await mesh.until(() => hostile.node.getConnections().length <= most, 'the surplus is cut')
  expect(await newcomer.dial(host.addresses[0]!)).toBe(host.id)
  await mesh.until(() => host.isConnected(newcomer.id), 'linked')
  expect(host.isConnected(hostile.node.peerId.toString())).toBe(true)
  expect(mesh.ports[0]!.counters.get('network.connections.surplus')).toBe(12 - most)
})

test('connections that never begin their handshake do not keep others out', async () => {
  await using mesh = await openLibp2p(2, (at) => (at === 0 ? { maxPending: 8 } : {}))
  const [host, newcomer] = mesh.networks as [Network, Network]
  const { counters } = mesh.ports[0]!
  for (const network of mesh.networks) await network.start()
  await using crowd = silent(host, 40)
  await mesh.until(() => counters.get('network.pending.dropped') === 32, 'the oldest are dropped')
  expect(await newcomer.dial(host.addresses[0]!)).toBe(host.id)
  await mesh.until(() => crowd.sockets.filter(({ destroyed }) => destroyed).length >= 32, 'cut')
})

test('a handshake lasts no longer than who dials would wait for it', async () => {
  await using mesh = await openLibp2p(1, () => ({ preset: { ...lanNetwork, dialTimeout: 200 } }))
  const [host] = mesh.networks as [Network]
  await host.start()
  await using crowd = silent(host, 1)
  await new Promise((resolve) => crowd.sockets[0]!.once('close', resolve))
})

test('a link is kept while one ping after the other waits for its answer', async () => {
  await using mesh = await openLibp2p(1, () => ({ preset: { ...lanNetwork, pingInterval: 20 } }))
  await using slow = await plainPeer()
  const [host] = mesh.networks as [Network]
  let pings = 0
  for (const protocol of ['/amcp-link/ping/1.0.0', '/ipfs/ping/1.0.0'])
    await slow.node.handle(protocol, () => void pings++)
  await host.start()
  await slow.node.dial(multiaddr(host.addresses[0]!))
  // More than libp2p's own ping may have under way.
  await mesh.until(() => pings === 8, 'eight pings')
  expect(host.isConnected(slow.node.peerId.toString())).toBe(true)
})

test('the DHT may ping a member for two reasons at once', async () => {
  await using linked = await prepared()
  const member = peerIdFromString(linked.network.id)
  const times = await Promise.all([1, 2].map(() => linked.peer.services.ping.ping(member)))
  expect(times).toHaveLength(2)
})

test('a ping of a stranger is answered when it is admitted', async () => {
  await using mesh = await openLibp2p(1)
  await using stranger = await plainPeer()
  const [host] = mesh.networks as [Network]
  await host.start()
  const connection = await stranger.node.dial(multiaddr(host.addresses[0]!))
  const ping = await connection.newStream('/ipfs/ping/1.0.0')
  const order: string[] = []
  ping.addEventListener('message', () => order.push('answered'))
  ping.send(new Uint8Array(32))
  await mesh.settle()
  order.push('admitted')
  host.admit(stranger.node.peerId.toString())
  await mesh.until(() => order.length === 2, 'answered')
  expect(order).toEqual(['admitted', 'answered'])
})

test('a frame that announces four gigabytes ends its connection before it is gathered', async () => {
  await using mesh = await openLibp2p(1)
  await using hostile = await plainPeer()
  const [host] = mesh.networks as [Network]
  await host.start()
  const connection = await hostile.node.dial(multiaddr(host.addresses[0]!))
  await mesh.until(() => host.isConnected(hostile.node.peerId.toString()), 'linked')
  const data = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 99, 255, 255, 255, 255)
  hostile.wires[0]!.send(data)
  await mesh.until(() => connection.status !== 'open', 'cut')
  expect(mesh.ports[0]!.counters.get('network.frames.oversized')).toBe(1)
})
