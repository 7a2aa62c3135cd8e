import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { systemPorts } from '../../src/core/default-ports.ts'
import { memoryStore } from '../../src/core/memory-store.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'
import { createContext, defineAgent } from '../../src/index.ts'
import { libp2pNetwork } from '../../src/network/libp2p/libp2p-network.ts'
import { MeshFolders } from './context-processes.ts'

const ports = systemPorts()
const quiet = { watchdog: false } as const

test('the first ten minutes: define, spawn, call, and read what is published', async () => {
  const Reading = z.object({ host: z.string(), load: z.number() })
  const Verdict = z.object({ anomalous: z.boolean() })
  const analyzer = defineAgent({
    type: 'analyzer',
    state: z.object({ seen: z.number().default(0) }),
    subscribe: ['amcp.domain.telemetry.>'],
    async onEvent(event, self) {
      self.state.seen += 1
      if (event.data.load > 0.9)
        await self.publish('amcp.domain.alert.load', { host: event.subject, seen: self.state.seen })
    },
    capabilities: {
      'anomaly.detect': {
        input: Reading,
        output: Verdict,
        version: '1.2.0',
        proficiency: 'expert',
        cost: 0.002,
        async handle(reading, _self, call) {
          call.signal.throwIfAborted()
          return { anomalous: reading.load > 0.9 }
        },
      },
    },
  })
  await using context = await createContext()
  await context.spawn(analyzer)
  await context.announced()
  expect(await context.call('anomaly.detect', { host: 'a', load: 0.95 }, { deadline: 2_000 })).toEqual({
    anomalous: true,
  })
  const alerts = context.subscribe('amcp.domain.alert.>')
  await alerts.ready
  for (const load of [0.1, 0.99]) await context.publish('amcp.domain.telemetry.plant.a', { load })
  for await (const alert of alerts) {
    expect(alert.data).toEqual({ host: 'amcp.domain.telemetry.plant.a', seen: 2 })
    break
  }
  expect(context.members).toEqual([])
})

test('a mesh file names the folder that it lies in', async () => {
  using mesh = new MeshFolders()
  await using context = await createContext({ mesh: join(mesh.founder, 'mesh.json'), ...quiet })
  await expect(createContext({ folder: mesh.founder, ...quiet })).rejects.toMatchObject({ code: 'ERR_FOLDER_IN_USE' })
  expect(context.addresses.length).toBeGreaterThan(0)
})

test('a mesh file beside an identity adds addresses, and must be of the same mesh', async () => {
  const mesh = foundMemoryMesh(ports)
  await using first = await createContext({ identity: mesh.member(), ...quiet })
  const described = { ...mesh.description, addresses: [...first.addresses] }
  await using second = await createContext({ identity: mesh.member(), mesh: described, ...quiet })
  expect(second.members).toEqual([first.id])
  expect(first.members).toEqual([second.id])
  const other = foundMemoryMesh(ports, 'other').description
  await expect(createContext({ identity: mesh.member(), mesh: other, ...quiet })).rejects.toMatchObject({
    code: 'ERR_WRONG_MESH',
  })
})

test('a taken port, an address of another machine and a start given up are refused by their names, an address where nobody is keeps nobody from starting', async () => {
  const mesh = foundMemoryMesh(ports)
  await using first = await createContext({ identity: mesh.member(), ...quiet })
  const taken = first.addresses[0]!.replace(/\/p2p\/.*/, '')
  await expect(createContext({ identity: mesh.member(), listen: [taken], ...quiet })).rejects.toMatchObject({
    code: 'ERR_ADDRESS_IN_USE',
  })
  const foreign = createContext({ identity: mesh.member(), listen: ['/ip4/192.0.2.1/tcp/0'], ...quiet })
  await expect(foreign).rejects.toMatchObject({ code: 'ERR_LISTEN_FAILED', details: { reason: 'EADDRNOTAVAIL' } })
  const nobody = first.addresses[0]!.replace(first.id, mesh.member().id)
  // Nobody answers there now, which may change: the context goes on alone and keeps trying.
  await using alone = await createContext({ identity: mesh.member(), bootstrap: [nobody], ...quiet })
  expect(alone.members).toEqual([])
  await expect(createContext({ bootstrap: ['nowhere'], ...quiet })).rejects.toThrow(TypeError)
  await expect(createContext({ signal: AbortSignal.abort('no'), ...quiet })).rejects.toBe('no')
})

test('parts that are given are used: ports, network and store, and the store stays open', async () => {
  const mesh = foundMemoryMesh(ports)
  const [identity, other] = [mesh.member(), mesh.member()]
  const network = libp2pNetwork({ ports, seed: identity.seed, meshId: mesh.description.mesh })
  await expect(createContext({ ports, identity: other, network })).rejects.toThrow(TypeError)
  const store = await memoryStore()
  const context = await createContext({
    ports,
    identity,
    network,
    store,
    schemas: {},
    callLimit: 10,
    timing: {},
    dialBeyond: false,
  })
  expect(context.id).toBe(identity.id)
  await context.stop()
  await store.batch([{ type: 'put', space: 's', key: new Uint8Array(1), value: new Uint8Array(1) }])
  await store.close()
})
