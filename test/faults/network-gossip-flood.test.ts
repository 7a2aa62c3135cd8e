import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { boundIntake } from '../../src/network/libp2p/gossip-intake.ts'
import { RejectScores } from '../../src/network/libp2p/scoring.ts'
import { inboundStream, prepared, TOPIC } from './bare-neighbour.ts'

interface Rpc {
  readonly subscriptions: readonly never[]
  readonly messages: readonly { readonly topic: string; readonly data: Uint8Array }[]
}

/** Parts of gossipsub that its types keep private. */
interface Router {
  sendRpc(peer: string, rpc: Rpc): boolean
  handleReceivedRpc(from: PeerId, rpc: Rpc): Promise<void>
  readonly seenCache: { readonly size: number }
  readonly mcache: { readonly msgs: ReadonlyMap<string, unknown> }
  readonly score: { readonly deliveryRecords: { readonly records: ReadonlyMap<string, unknown> } }
}

const routerOf = (pubsub: GossipSub): Router => pubsub as unknown as Router

/** Tiny messages of which no two are the same. */
const flood = (topic: string, count: number): Rpc => ({
  subscriptions: [],
  messages: Array.from({ length: count }, (_, at) => ({ topic, data: Uint8Array.of(255, at >> 16, at >> 8, at) })),
})

test('messages on topics that nobody asked for are dropped unjudged, and honest gossip goes on', async () => {
  await using fault = await prepared()
  const { network, mesh, peer } = fault
  const { counters } = mesh.ports[0]!
  const judged = new Set<string>()
  const heard: number[] = []
  network.gossip.validate((topic) => {
    judged.add(topic)
    return 'accept'
  })
  network.gossip.onMessage((_topic, [first]) => heard.push(first!))
  routerOf(peer.services.pubsub).sendRpc(network.id, flood('amcp/1/fault/s/1/1', 5_000))
  await peer.services.pubsub.publish(TOPIC, Uint8Array.of(7))
  await mesh.until(() => heard.includes(7), 'heard')
  expect(counters.get('network.gossip.unasked')).toBe(5_000)
  expect([...judged]).toEqual([TOPIC])
  expect(counters.get('network.gossip.rejected')).toBe(0)
})

test('nine rejected messages silence their sender, also in the midst of what it sends at once', async () => {
  await using fault = await prepared()
  const { network, mesh, peer } = fault
  const { counters } = mesh.ports[0]!
  network.gossip.validate((_topic, [first]) => (first === 255 ? 'reject' : 'accept'))
  routerOf(peer.services.pubsub).sendRpc(network.id, flood(TOPIC, 5_000))
  await mesh.until(() => counters.get('network.gossip.silenced') > 0, 'silenced')
  await mesh.settle()
  expect(counters.get('network.gossip.rejected')).toBe(9)
  expect(counters.get('network.gossip.silenced')).toBe(4_991)
})

test('of messages that are not passed on nothing is kept but ids, and of those that nobody asked for not even these', async () => {
  await using fault = await prepared()
  const { network, mesh, peer } = fault
  const [ports] = mesh.ports
  boundIntake(peer.services.pubsub, { ports: ports!, scores: new RejectScores(ports!.clock) })
  const router = routerOf(peer.services.pubsub)
  const from = peer.getPeers().find((one) => one.toString() === network.id)!
  const before = router.seenCache.size
  const kept = (): number => router.score.deliveryRecords.records.size + router.mcache.msgs.size
  const keptBefore = kept()
  await router.handleReceivedRpc(from, flood('nobody', 5_000))
  expect(router.seenCache.size).toBe(before)
  peer.services.pubsub.topicValidators.set(TOPIC, () => 'ignore' as never)
  await router.handleReceivedRpc(from, flood(TOPIC, 5_000))
  expect(router.seenCache.size).toBe(before + 5_000)
  expect(kept()).toBeLessThanOrEqual(keptBefore)
})

test('what waits for a neighbour that does not read is bounded, and dropped for it alone', async () => {
  await using fault = await prepared()
  const { network, mesh, peer } = fault
  const { counters } = mesh.ports[0]!
  inboundStream(peer, network.id)!.pause()
  // As if passed on: nobody waits for what others publish.
  for (let at = 0; at < 120; at += 1) network.gossip.publish(TOPIC, new Uint8Array(256 * 1024).fill(at))
  await mesh.until(() => counters.get('network.gossip.overflowed') > 0, 'full')
  await mesh.settle()
  expect(network.gossip.backlog).toBeLessThan(16.5 * 1_048_576)
  expect(counters.get('network.gossip.missed')).toBe(counters.get('network.gossip.overflowed'))
})
