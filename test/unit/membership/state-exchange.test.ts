import { expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { StateExchange } from '../../../src/membership/state-exchange.ts'
import { StateMap } from '../../../src/membership/state-map.ts'
import { STATE_PROTOCOL } from '../../../src/membership/state-messages.ts'
import { defaultTiming } from '../../../src/membership/timing.ts'
import type { MessageStream } from '../../../src/network/network.ts'
import { session } from './by-hand.ts'
import { crypto, FakeMesh, idOf, wordCredentials } from './fake-mesh.ts'

/** A state exchange that opens the streams, since its id is the larger one, and a peer that counts them. */
async function opener() {
  const { clock, swarm } = new FakeMesh()
  const [smaller, larger] = idOf(1) < idOf(2) ? [1, 2] : [2, 1]
  const network = swarm.join(idOf(larger), '/larger')
  const peer = swarm.join(idOf(smaller), '/smaller')
  const counters = new Counters()
  const ports = { clock, random: new SeededRandom(1), crypto, logger: silentLogger, counters }
  const streams: MessageStream[] = []
  peer.streams.handle(STATE_PROTOCOL, (stream) => streams.push(stream))
  const map = new StateMap(crypto, network.id, 30_000)
  const exchange = new StateExchange({ ports, network, credentials: wordCredentials(larger), map }, defaultTiming, {
    changed: () => undefined,
    acknowledged: () => undefined,
    ownSeen: () => undefined,
    signLife: () => ({ incarnation: '', signature: '' }),
  })
  await network.dial('/smaller')
  network.admit(peer.id)
  peer.admit(network.id)
  return { clock, exchange, peer: peer.id, streams }
}

test('a link that both ends greeted keeps its first state stream', async () => {
  const { clock, exchange, peer, streams } = await opener()
  exchange.admitted(peer, { incarnation: 'first life', members: '' })
  exchange.admitted(peer, { incarnation: 'first life', members: '' })
  await clock.advance(100)
  exchange.admitted(peer, { incarnation: 'first life', members: '' })
  await clock.advance(100)
  expect(streams).toHaveLength(1)
  expect(streams[0]!.isOpen).toBe(true)
})

test('another life of the peer gets a stream of its own', async () => {
  const { clock, exchange, peer, streams } = await opener()
  exchange.admitted(peer, { incarnation: 'first life', members: '' })
  await clock.advance(100)
  exchange.admitted(peer, { incarnation: 'second life', members: '' })
  await clock.advance(100)
  expect(streams).toHaveLength(2)
  expect(streams.map(({ isOpen }) => isOpen)).toEqual([false, true])
})

test('a link that ended and came again gets a new stream', async () => {
  const { clock, exchange, peer, streams } = await opener()
  exchange.admitted(peer, { incarnation: 'first life', members: '' })
  await clock.advance(100)
  exchange.disconnected(peer)
  exchange.admitted(peer, { incarnation: 'first life', members: '' })
  await clock.advance(100)
  expect(streams.map(({ isOpen }) => isOpen)).toEqual([false, true])
})

test('a stop waits until each neighbour has answered that it read everything, then until it has read the goodbye', async () => {
  const { mesh, host, heard } = await session()
  heard.length = 0
  let isStopped = false
  const stopping = host.members.stop().then(() => {
    isStopped = true
  })
  await mesh.clock.advance(500)
  const [asked] = heard
  if (asked?.t !== 'challenge') throw new Error('nothing was asked')
  expect(heard).toHaveLength(1)
  expect(isStopped).toBe(false)
  await mesh.clock.advance(defaultTiming.hello - 400)
  expect(isStopped).toBe(false)
  expect(heard.map(({ t }) => t).filter((kind) => kind !== 'digest')).toEqual(['challenge', 'entries', 'challenge'])
  await mesh.clock.advance(defaultTiming.grace)
  await stopping
  expect(host.ports.counters.get('membership.stop.unanswered')).toBe(2)
  expect(heard.flatMap((message) => (message.t === 'entries' ? message.records : []))).toHaveLength(1)
})

test('a stop that has less time takes less: half of it for what was sent before, half of the rest for the goodbye', async () => {
  const { mesh, host, heard } = await session()
  heard.length = 0
  const stopping = host.members.stop({ by: mesh.clock.monotonic() + 800 })
  await mesh.clock.advance(390)
  expect(heard.map(({ t }) => t)).toEqual(['challenge'])
  await mesh.clock.advance(20)
  expect(heard.map(({ t }) => t).filter((kind) => kind !== 'digest')).toEqual(['challenge', 'entries', 'challenge'])
  await mesh.clock.advance(200)
  await stopping
  expect(host.ports.counters.get('membership.stop.unanswered')).toBe(2)
})

test('a stop breaks off the stream of a neighbour that does not let it close', async () => {
  const { mesh, host } = await session()
  const stream = host.network.opened.find(({ protocol, isOpen }) => protocol === STATE_PROTOCOL && isOpen)!
  stream.close = () => new Promise(() => {})
  let isStopped = false
  const stopping = host.members.stop().then(() => {
    isStopped = true
  })
  await mesh.clock.advance(9_990)
  expect([isStopped, stream.isOpen]).toEqual([false, true])
  await mesh.clock.advance(10)
  await stopping
  expect(stream.isOpen).toBe(false)
  expect(host.ports.counters.get('network.streams.broken-off')).toBe(1)
})
