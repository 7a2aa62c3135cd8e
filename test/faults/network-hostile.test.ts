import { expect, test } from 'vitest'
import { libp2pNetwork } from '../../src/network/libp2p/libp2p-network.ts'
import type { MessageStream, Network } from '../../src/network/network.ts'
import { openLibp2p } from '../integration/libp2p-mesh.ts'

const HELLO = '/test/hello/1'

test('strangers that hold links leave room for a newcomer, and push out no member', async () => {
  await using mesh = await openLibp2p(8, (at) => (at === 0 ? { maxConnections: 6 } : {}))
  const [host, member, ...others] = mesh.networks as [Network, Network, ...Network[]]
  for (const network of mesh.networks) await network.start()
  const address = host.addresses[0]!
  await member.dial(address)
  await mesh.until(() => host.isConnected(member.id), 'the member is linked')
  host.admit(member.id)
  for (const stranger of others) {
    await stranger.dial(address)
    await mesh.until(() => stranger.isConnected(host.id), 'linked')
  }
  await mesh.until(() => host.peers.length <= 4, 'the oldest strangers are dropped')
  const newest = others.at(-1)!
  expect(host.isConnected(member.id)).toBe(true)
  await mesh.until(() => host.isConnected(newest.id), 'the newest is linked')
  expect(mesh.ports[0]!.counters.get('network.strangers.dropped')).toBe(3)
})

test('a stranger gets no more streams, nor longer messages, than a hello has', async () => {
  await using mesh = await openLibp2p(2)
  const [host, stranger] = mesh.networks as [Network, Network]
  const served: MessageStream[] = []
  host.streams.handle(HELLO, (stream) => served.push(stream), {
    beforeAdmission: true,
    messageLimit: 1_000,
    streamLimit: 4,
  })
  for (const network of mesh.networks) await network.start()
  await stranger.dial(host.addresses[0]!)
  const opening = Array.from({ length: 100 }, () => stranger.streams.open(host.id, HELLO, { beforeAdmission: true }))
  const opened = (await Promise.allSettled(opening)).filter(({ status }) => status === 'fulfilled')
  expect(opened).toHaveLength(4)
  expect(served).toHaveLength(4)
  expect(mesh.ports[0]!.counters.get('network.streams.too-many')).toBe(96)
  for (const outcome of opened) if (outcome.status === 'fulfilled') outcome.value.send(new Uint8Array(1_001))
  await mesh.until(() => served.every(({ isOpen }) => !isOpen), 'reset')
  await stranger.streams.open(host.id, HELLO, { beforeAdmission: true })
})

test('addresses that somebody made up are no fault of the process that is told them', async () => {
  await using mesh = await openLibp2p(1)
  const [host] = mesh.networks as [Network]
  await host.start()
  const stranger = libp2pNetwork({ ports: mesh.ports[0]!, seed: new Uint8Array(32).fill(7), meshId: 'm' })
  host.remember(stranger.id, [
    '',
    '/',
    'x'.repeat(5_000),
    `/ip4/127.0.0.1/tcp/1/p2p/${host.id}`,
    '/ip4/999.1.1.1/tcp/1',
  ])
  expect(host.addressesOf(stranger.id)).toEqual([])
  await expect(host.connect(stranger.id)).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED' })
})
