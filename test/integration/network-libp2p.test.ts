import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { systemPorts } from '../../src/core/default-ports.ts'
import { contextIdOf } from '../../src/core/ids.ts'
import { libp2pNetwork } from '../../src/network/libp2p/libp2p-network.ts'
import type { Network } from '../../src/network/network.ts'
import { openLibp2p } from './libp2p-mesh.ts'

/** A port that nobody listens at now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const TOPIC = 'amcp/1/libp2p/s/1/0'

describe('libp2pNetwork', () => {
  test('has the id of its seed before it starts, and the same one on the wire', async () => {
    const ports = systemPorts()
    const seed = ports.random.bytes(32)
    const id = contextIdOf(ports.crypto.signingKey(seed).publicKey)
    await using mesh = await openLibp2p(2, (at) => (at === 0 ? { seed } : {}))
    const [a, b] = mesh.networks as [Network, Network]
    expect(a.id).toBe(id)
    expect(a.addresses).toEqual([])
    await Promise.all([a.start(), b.start()])
    expect(await b.dial(a.addresses[0]!)).toBe(id)
  })

  test('refuses addresses that are none, bootstrap addresses without a peer, calls while it is stopped', async () => {
    const ports = systemPorts()
    const base = { ports, seed: ports.random.bytes(32), meshId: 'm' }
    expect(() => libp2pNetwork({ ...base, listen: ['127.0.0.1:1'] })).toThrow(TypeError)
    expect(() => libp2pNetwork({ ...base, announce: [`/ip4/1.2.3.4/tcp/1/p2p/${'x'}`] })).toThrow(TypeError)
    expect(() => libp2pNetwork({ ...base, bootstrap: ['/ip4/127.0.0.1/tcp/1'] })).toThrow(TypeError)
    const network = libp2pNetwork(base)
    network.remember(network.id, ['nowhere'])
    expect(ports.counters.get('network.address.refused')).toBe(1)
    await network.stop()
    await expect(network.dial('nowhere')).rejects.toThrow(TypeError)
    await expect(network.dial('/ip4/127.0.0.1/tcp/1')).rejects.toMatchObject({ code: 'ERR_STOPPED' })
    await expect(network.records.provide('x')).rejects.toMatchObject({ code: 'ERR_STOPPED' })
    expect(network.gossip.publish(TOPIC, Uint8Array.of(1))).toBe(0)
    expect([...network.gossip.subscribers(TOPIC), ...network.gossip.neighbours(TOPIC)]).toEqual([])
    await network.gossip.drained(1)
    await network.disconnect('12D3KooWnobody')
    const reason = new Error('no')
    await expect(network.start({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('announces what a router forwards to it, first, and is dialled there by who learnt it by identify', async () => {
    const announced = `/ip4/127.0.0.9/tcp/${await freePort()}`
    const port = announced.split('/').at(-1)
    await using mesh = await openLibp2p(2, (at) =>
      at === 0 ? { listen: [`/ip4/0.0.0.0/tcp/${port}`], announce: [announced] } : {},
    )
    const [a, b] = mesh.networks as [Network, Network]
    await Promise.all([a.start(), b.start()])
    expect(a.addresses[0]).toBe(`${announced}/p2p/${a.id}`)
    expect(a.addresses).toContain(`/ip4/127.0.0.1/tcp/${port}/p2p/${a.id}`)
    await b.dial(`/ip4/127.0.0.1/tcp/${port}`)
    await mesh.until(() => b.addressesOf(a.id).includes(a.addresses[0]!), 'learnt')
    await b.disconnect(a.id)
    expect(await b.dial(a.addresses[0]!)).toBe(a.id)
  })

  test('says ERR_ADDRESS_IN_USE for a port that is taken, and starts when it is free', async () => {
    await using mesh = await openLibp2p(1)
    const [a] = mesh.networks as [Network]
    await a.start()
    const port = /tcp\/(\d+)/.exec(a.addresses[0]!)![1]
    const ports = systemPorts()
    const b = libp2pNetwork({
      ports,
      seed: ports.random.bytes(32),
      meshId: 'm',
      listen: [`/ip4/127.0.0.1/tcp/${port}`],
    })
    await expect(b.start()).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE', retryable: true })
    await b.stop()
    await a.stop()
    await b.start()
    expect(b.addresses[0]).toContain(`/tcp/${port}/`)
    await b.stop()
  })

  test('says ERR_LISTEN_FAILED, and why, for an address that is not of this machine, and can be stopped after that', async () => {
    const ports = systemPorts()
    const listen = ['/ip4/192.0.2.1/tcp/0']
    const network = libp2pNetwork({ ports, seed: ports.random.bytes(32), meshId: 'm', listen })
    await expect(network.start()).rejects.toMatchObject({
      code: 'ERR_LISTEN_FAILED',
      message: 'cannot listen at /ip4/192.0.2.1/tcp/0: EADDRNOTAVAIL',
      details: { listen, reason: 'EADDRNOTAVAIL' },
    })
    await network.stop()
  })

  test('says ERR_LISTEN_FAILED with the words of the fault when the system has no name for it', async () => {
    const ports = systemPorts()
    const listen = ['/ip4/127.0.0.1/udp/0']
    const network = libp2pNetwork({ ports, seed: ports.random.bytes(32), meshId: 'm', listen })
    await expect(network.start()).rejects.toMatchObject({
      code: 'ERR_LISTEN_FAILED',
      message: expect.stringContaining('127.0.0.1/udp/0: UnsupportedListenAddressesError'),
      details: { listen, reason: '' },
    })
  })

  test('starts again after a stop, with its subscriptions, handlers and listeners', async () => {
    await using mesh = await openLibp2p(2)
    const [a, b] = mesh.networks as [Network, Network]
    const heard: number[] = []
    a.gossip.subscribe(TOPIC)
    a.gossip.subscribe(TOPIC)
    a.gossip.onMessage((_topic, message) => heard.push(message[0]!))
    a.streams.handle('/x', (stream) => stream.onMessage((message) => stream.send(message)))
    for (const network of [a, b]) network.onPeer({ connected: (peer) => network.admit(peer) })
    await Promise.all([a.start(), b.start()])
    await a.stop()
    await a.start()
    await b.dial(a.addresses[0]!)
    await mesh.until(() => b.gossip.subscribers(TOPIC).length === 1, 'subscribed')
    b.gossip.publish(TOPIC, Uint8Array.of(7))
    await mesh.until(() => heard.length === 1, 'heard')
    const stream = await b.streams.open(a.id, '/x')
    const back = new Promise((resolve) => stream.onMessage(resolve))
    stream.send(Uint8Array.of(9))
    expect(await back).toEqual(Uint8Array.of(9))
  })

  test('tells of peers found at the bootstrap addresses, and links to them', async () => {
    await using mesh = await openLibp2p(1)
    const [a] = mesh.networks as [Network]
    await a.start()
    const ports = systemPorts()
    const b = libp2pNetwork({ ports, seed: ports.random.bytes(32), meshId: 'm', bootstrap: a.addresses })
    const seen: string[] = []
    b.onPeer({ discovered: (peer) => seen.push(`found ${peer}`), connected: (peer) => seen.push(`linked ${peer}`) })
    await b.start()
    await mesh.until(() => b.isConnected(a.id), 'linked')
    expect(seen).toEqual([`found ${a.id}`, `linked ${a.id}`])
    await b.stop()
  })

  test('sends gossip to a subset of many subscribers, and reaches all of them', async () => {
    await using mesh = await openLibp2p(16)
    const heard = mesh.networks.map(() => 0)
    await Promise.all(mesh.networks.map((network) => network.start()))
    const hub = mesh.networks[0]!
    for (const [at, network] of mesh.networks.entries()) {
      network.gossip.subscribe(TOPIC)
      network.onPeer({ connected: (peer) => network.admit(peer) })
      network.gossip.onMessage(() => heard[at]!++)
    }
    // The others: a ring of degree four around the hub.
    const rim = mesh.networks.slice(1)
    for (const [at, network] of rim.entries())
      for (const other of [hub, rim[(at + 1) % rim.length]!, rim[(at + 2) % rim.length]!])
        await network.dial(other.addresses[0]!)
    await mesh.until(() => hub.gossip.subscribers(TOPIC).length === 15, 'all subscriptions known')
    await mesh.until(
      () => mesh.networks.every((network) => mutual(network, mesh.networks).length >= 3),
      'at least three neighbours each, who say so too',
    )
    const to = hub.gossip.publish(TOPIC, Uint8Array.of(1))
    expect(to).toBeGreaterThanOrEqual(4)
    expect(to).toBeLessThanOrEqual(12)
    await mesh.until(() => heard.slice(1).every((count) => count === 1), 'heard by all')
    await mesh.settle()
    expect(heard).toEqual([0, ...Array(15).fill(1)])
  })

  test('a handler that throws ends its stream, counted; a later handler takes its place', async () => {
    await using mesh = await openLibp2p(2)
    const [a, b] = mesh.networks as [Network, Network]
    for (const network of [a, b]) network.onPeer({ connected: (peer) => network.admit(peer) })
    await Promise.all([a.start(), b.start()])
    a.streams.handle('/x', () => {
      throw new Error('a bug')
    })
    await b.dial(a.addresses[0]!)
    await mesh.until(() => a.isAdmitted(b.id), 'admitted')
    const outcome = await b.streams.open(a.id, '/x').then(
      (stream) =>
        new Promise<string>((resolve) =>
          stream.onClose((reason) => resolve((reason as { code?: string })?.code ?? '')),
        ),
      (error: { code: string }) => error.code,
    )
    expect(['ERR_STREAM_CLOSED', 'ERR_PROTOCOL_REFUSED']).toContain(outcome)
    expect(mesh.ports[0]!.counters.get('network.streams.handler-failed')).toBe(1)
    a.streams.handle('/x', (stream) => stream.send(Uint8Array.of(3)))
    const stream = await b.streams.open(a.id, '/x')
    expect(await new Promise((resolve) => stream.onMessage(resolve))).toEqual(Uint8Array.of(3))
  })

  test('gossip that the judge throws at is ignored, counted, and costs nobody', async () => {
    await using mesh = await openLibp2p(2)
    const [a, b] = mesh.networks as [Network, Network]
    for (const network of [a, b]) {
      network.onPeer({ connected: (peer) => network.admit(peer) })
      network.gossip.subscribe(TOPIC)
    }
    b.gossip.validate((_topic, message) => {
      if (message[0] === 0) throw new Error('a bug')
      return 'accept'
    })
    const heard: number[] = []
    b.gossip.onMessage((_topic, message) => heard.push(message[0]!))
    await Promise.all([a.start(), b.start()])
    await a.dial(b.addresses[0]!)
    await mesh.until(() => a.gossip.subscribers(TOPIC).length === 1, 'subscribed')
    for (const byte of [0, 1]) a.gossip.publish(TOPIC, Uint8Array.of(byte))
    await mesh.until(() => heard.length === 1, 'heard')
    expect(heard).toEqual([1])
    expect(mesh.ports[1]!.counters.get('network.gossip.judge-failed')).toBe(1)
    expect(mesh.ports[1]!.counters.get('network.gossip.rejected')).toBe(0)
  })
})

/** Those in the topic's mesh of the network in whose mesh it is too: a graft takes effect at the other end later. */
function mutual(network: Network, all: readonly Network[]): readonly string[] {
  const neighbours = network.gossip.neighbours(TOPIC)
  return neighbours.filter((peer) =>
    all
      .find(({ id }) => id === peer)
      ?.gossip.neighbours(TOPIC)
      .includes(network.id),
  )
}
