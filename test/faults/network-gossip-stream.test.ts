import { peerIdFromString } from '@libp2p/peer-id'
import { expect, test } from 'vitest'
import { sentOn } from '../../src/network/libp2p/calm-yamux.ts'
import type { Network } from '../../src/network/network.ts'
import { openLibp2p } from '../integration/libp2p-mesh.ts'
import { inboundStream, prepared, TOPIC } from './bare-neighbour.ts'

test('a gossip stream that was reset while the link lives is opened again, and frames flow', async () => {
  await using fault = await prepared()
  const { network, mesh, peer, heard } = fault
  inboundStream(peer, network.id)!.abort(new Error('a fault'))
  await mesh.until(() => network.gossip.subscribers(TOPIC).length === 0, 'out of reach')
  expect(network.gossip.publish(TOPIC, Uint8Array.of(9))).toBe(0)
  await mesh.until(() => mesh.ports[0]!.counters.get('network.gossip.reopened') > 0, 'noticed')
  expect(mesh.ports[0]!.counters.get('network.gossip.missed')).toBe(0)
  await mesh.until(() => network.gossip.subscribers(TOPIC).length === 1, 'reachable again')
  expect(network.gossip.publish(TOPIC, Uint8Array.of(2))).toBe(1)
  await mesh.until(() => heard.includes(2), 'heard')
  expect(network.isConnected(peer.peerId.toString())).toBe(true)
  expect(mesh.ports[0]!.counters.get('network.gossip.redialled')).toBe(0)
})

test('when opening it again does not help, the link is closed and dialled again', async () => {
  await using fault = await prepared()
  const { network, mesh, peer } = fault
  const events: string[] = []
  network.onPeer({ connected: () => events.push('+'), disconnected: () => events.push('-') })
  const gossipProtocols = peer.getProtocols().filter((protocol) => protocol.startsWith('/meshsub/'))
  await peer.unhandle(gossipProtocols)
  inboundStream(peer, network.id)!.abort(new Error('a fault'))
  await mesh.until(() => mesh.ports[0]!.counters.get('network.gossip.redialled') > 0, 'given up')
  await mesh.until(() => events.length >= 2, 'parted and linked again')
  expect(events.slice(0, 2)).toEqual(['-', '+'])
})

test('what a gossip stream moves is counted, so that one that moves is not taken for stalled', async () => {
  await using fault = await prepared()
  const { network, mesh, peer, heard } = fault
  const outbound = peer
    .getConnections(peerIdFromString(network.id))
    .flatMap(({ streams }) => streams)
    .find((stream) => stream.direction === 'outbound' && stream.protocol.startsWith('/meshsub/'))!
  const before = sentOn(outbound)
  expect(before).toBeGreaterThan(0)
  await peer.services.pubsub.publish(TOPIC, new Uint8Array(100_000).fill(3))
  await mesh.until(() => sentOn(outbound) - before >= 100_000, 'counted')
  expect(heard).not.toContain(3)
})

test('a neighbour that does not read its gossip is cut off, and publishers go on', async () => {
  await using fault = await prepared()
  const { network, mesh, peer } = fault
  // Pings are answered and the link stands: only this stream is not read any more.
  inboundStream(peer, network.id)!.pause()
  const frame = new Uint8Array(256 * 1024)
  for (let at = 0; network.gossip.backlog < 1_048_576 && at < 400; at += 1) {
    frame[0] = at
    frame[1] = at >> 8
    network.gossip.publish(TOPIC, frame.slice())
    await mesh.settle()
  }
  expect(network.gossip.backlog).toBeGreaterThanOrEqual(1_048_576)
  await network.gossip.drained(1_048_576)
  expect(mesh.ports[0]!.counters.get('network.gossip.stalled')).toBe(1)
  expect(network.isConnected(peer.peerId.toString())).toBe(false)
})

test('a stream message of an impossible length ends the stream, at both ends', async () => {
  await using fault = await prepared()
  const { network, mesh, peer } = fault
  const reasons: (Error | undefined)[] = []
  network.streams.handle('/x', (stream) => {
    stream.onMessage(() => {})
    stream.onClose((reason) => reasons.push(reason))
  })
  const stream = await peer.getConnections(peerIdFromString(network.id))[0]!.newStream('/x')
  stream.send(Uint8Array.of(255, 255, 255, 255, 1))
  await mesh.until(() => stream.status === 'reset', 'reset')
  expect(reasons).toMatchObject([{ code: 'ERR_FRAME_INVALID' }])
})

test('a peer that never says whether it serves a protocol does not hold the opener for ever', async () => {
  await using fault = await prepared()
  const { network, peer } = fault
  await peer.handle('/silent', () => {})
  const id = peer.peerId.toString()
  await expect(network.streams.open(id, '/silent')).rejects.toMatchObject({ code: 'ERR_PROTOCOL_REFUSED' })
  const controller = new AbortController()
  const reason = new Error('enough')
  const opening = network.streams.open(id, '/silent', { signal: controller.signal })
  controller.abort(reason)
  await expect(opening).rejects.toBe(reason)
})

test('a stopped listener leaves its messages to back-pressure: nothing is lost, memory stays bounded', async () => {
  await using mesh = await openLibp2p(2)
  const [a, b] = mesh.networks as [Network, Network]
  let take: ((listener: (message: Uint8Array) => void) => void) | undefined
  a.streams.handle(
    '/x',
    (stream) => {
      take = (listener) => stream.onMessage(listener)
    },
    { beforeAdmission: true },
  )
  await Promise.all([a.start(), b.start()])
  await b.dial(a.addresses[0]!)
  const stream = await b.streams.open(a.id, '/x', { beforeAdmission: true })
  let sent = 0
  while (stream.buffered < 1024 * 1024 && sent < 400) {
    stream.send(new Uint8Array(64 * 1024).fill(sent++))
    if (sent % 16 === 0) await mesh.settle()
  }
  expect(sent).toBeLessThan(400)
  let received = 0
  take!((message) => {
    expect(message[0]).toBe(received++ & 255)
  })
  await mesh.until(() => received === sent, 'all received')
})
