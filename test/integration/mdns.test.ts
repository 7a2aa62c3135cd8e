import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { systemPorts } from '../../src/core/default-ports.ts'
import { createContext } from '../../src/create-context.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'
import { lanNetwork } from '../../src/network/libp2p/preset.ts'
import { CliWorld } from '../unit/cli/cli-world.ts'
import { openLibp2p } from './libp2p-mesh.ts'
import { multicastFault } from './multicast.ts'

test('MS-2 two contexts that are given no address find each other by mDNS, and an event arrives', async ({ skip }) => {
  const fault = await multicastFault()
  skip(fault !== undefined, fault)
  const mesh = foundMemoryMesh(systemPorts())
  const options = { mdns: true, preset: { ...lanNetwork, mdnsInterval: 200 }, watchdog: false } as const
  await using first = await createContext({ ...options, identity: mesh.member() })
  await using second = await createContext({ ...options, identity: mesh.member() })
  await using wait = await openLibp2p(0)
  await wait.until(() => first.members.includes(second.id) && second.members.includes(first.id), 'found')
  const events = first.subscribe('amcp.domain.>')
  await events.ready
  await second.publish('amcp.domain.found', { by: 'mDNS' })
  expect((await events.next()).value).toMatchObject({ subject: 'amcp.domain.found', data: { by: 'mDNS' } })
})

test('contexts of one mesh find each other by mDNS, and none of another mesh', async ({ skip }) => {
  const fault = await multicastFault()
  skip(fault !== undefined, fault)
  const meshes = ['mesh one', 'mesh one', 'mesh two']
  const preset = { ...lanNetwork, mdnsInterval: 200 }
  await using mesh = await openLibp2p(3, (at) => ({ mdns: true, meshId: meshes[at]!, preset }))
  const found = mesh.networks.map(() => new Set<string>())
  for (const [at, network] of mesh.networks.entries()) network.onPeer({ discovered: (peer) => found[at]!.add(peer) })
  await Promise.all(mesh.networks.map((network) => network.start()))
  const [a, b] = mesh.networks
  await mesh.until(() => found[0]!.size > 0 && found[1]!.size > 0, 'found')
  expect([...found[0]!]).toEqual([b!.id])
  expect([...found[1]!]).toEqual([a!.id])
  expect(found[2]!.size).toBe(0)
  await a!.connect(b!.id)
})

test('amcp up --mdns listens where others of the local network can reach it', async () => {
  await using world = new CliWorld()
  await world.run('init', '-f', world.folder)
  const running = world.run('up', '-f', world.folder, '--mdns', '--json')
  await world.until(() => world.out !== '')
  world.stop.abort()
  const [{ addresses }] = (await running).json as [{ addresses: readonly string[] }]
  const here = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  for (const { address } of here.filter(({ family }) => family === 'IPv4'))
    expect(addresses).toContainEqual(expect.stringContaining(`/ip4/${address}/tcp/`))
})
