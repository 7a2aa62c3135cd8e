import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { agentMint } from '../../src/context-agents.ts'
import { defaultPorts, defaultWatchdog, folderIdentity, folderOf, folderStore } from '../../src/context-defaults.ts'
import { drain } from '../../src/context-drain.ts'
import { joinAddresses, memberCredentials } from '../../src/context-membership.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../src/core/simulated-crypto.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'
import { createContext } from '../../src/create-context.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'
import { lanNetwork } from '../../src/network/libp2p/preset.ts'
import { lonely } from './context-world.ts'

const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'amcp-'))
  folders.push(folder)
  return folder
}

describe('a context’s agents', () => {
  const mint = (seed: number) =>
    agentMint({ crypto: simulatedCrypto(), random: new SeededRandom(seed) }, new Uint8Array(32).fill(seed))

  test('have the same id for the same type and name, a new one without a name', () => {
    const ids = mint(1)
    expect(ids.mint('a', 'x')).toBe(ids.mint('a', 'x'))
    expect(new Set([ids.mint('a', 'x'), ids.mint('b', 'x'), ids.mint('a', 'y'), mint(2).mint('a', 'x')]).size).toBe(4)
    expect(ids.mint('a', undefined)).not.toBe(ids.mint('a', undefined))
  })

  test('are told from those of others, also when more were asked for than are remembered', () => {
    const [ours, theirs] = [mint(1), mint(2)]
    const [own, foreign] = [ours.mint('a', 'x'), theirs.mint('a', 'x')]
    for (let number = 0; number < 17_000; number++)
      ours.owns(`${foreign.slice(0, -6)}${String(number).padStart(6, '0')}`)
    expect([ours.owns(own), ours.owns(own), ours.owns(foreign), theirs.owns(foreign)]).toEqual([
      true,
      true,
      false,
      true,
    ])
  })
})

describe('what a context takes from the machine', () => {
  test('is real ports with the given logger', () => {
    const logger = { ...silentLogger }
    expect(defaultPorts({ logger }).logger).toBe(logger)
    expect(defaultPorts({}).logger).toBe(silentLogger)
  })

  test('the folder is the one that is named, else that of the mesh file, unless somebody else says who the context is', () => {
    const identity = foundMemoryMesh(defaultPorts({})).member()
    expect(folderOf({ folder: '/data', mesh: '/else/mesh.json' })).toBe('/data')
    expect(folderOf({ mesh: '/else/mesh.json' })).toBe('/else')
    expect(folderOf({ mesh: '/else/mesh.json', identity })).toBeUndefined()
    expect(folderOf({ mesh: identity.mesh })).toBeUndefined()
    expect(folderOf({})).toBeUndefined()
  })

  test('a watchdog can be had and be left out', () => {
    const ports = defaultPorts({})
    expect(defaultWatchdog(ports, false)).toBeUndefined()
    expect(defaultWatchdog(ports, 500)).toBeDefined()
  })

  test('a folder without an identity says so, and its store can be open once', async () => {
    const folder = await emptyFolder()
    expect(() => folderIdentity(defaultPorts({}), folder)).toThrow(expect.objectContaining({ name: 'AmcpError' }))
    const store = await folderStore(folder)
    await expect(folderStore(folder)).rejects.toMatchObject({ code: 'ERR_FOLDER_IN_USE' })
    await store.close()
  })
})

describe('addresses to join by', () => {
  const ports = defaultPorts({})
  const { mesh } = foundMemoryMesh(ports).member()

  test('are those of both descriptions, each once', () => {
    const own = { ...mesh, addresses: ['/a', '/b'] }
    expect(joinAddresses(own, undefined)).toEqual(['/a', '/b'])
    expect(joinAddresses(own, { ...mesh, addresses: ['/b', '/c'] })).toEqual(['/a', '/b', '/c'])
  })

  test('of another mesh are refused', () => {
    const other = foundMemoryMesh(ports).member().mesh
    expect(() => joinAddresses(mesh, other)).toThrow(expect.objectContaining({ code: 'ERR_WRONG_MESH' }))
  })
})

describe('the credentials that membership gets', () => {
  test('admit members of the mesh, refuse others, and name the origin of agents', () => {
    const ports = defaultPorts({})
    const mesh = foundMemoryMesh(ports)
    const [one, other, stranger] = [mesh.member(), mesh.member(), foundMemoryMesh(ports).member()]
    const credentials = memberCredentials(ports, one)
    const now = ports.clock.now()
    expect(credentials.mesh).toBe(one.mesh.mesh)
    expect(() => credentials.check(other.id, other.membership, now)).not.toThrow()
    expect(() => credentials.check(other.id, one.membership, now)).toThrow()
    expect(() => credentials.check(stranger.id, stranger.membership, now)).toThrow()
    const message = Uint8Array.of(1)
    expect(ports.crypto.verify(one.key.publicKey, message, credentials.sign(message))).toBe(true)
    const agent = agentMint(ports, other.key.publicKey).mint('a', 'x')
    expect(credentials.originOfAgent(agent)).toBe(credentials.originOfContext(other.id))
    expect(credentials.originOfAgent(agent)).not.toBe(credentials.originOfContext(one.id))
  })
})

describe('createContext', () => {
  test('gives up before anything else when its signal is aborted already', async () => {
    const reason = new Error('never mind')
    await expect(createContext({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test.each([
    ['ports', 'logger', silentLogger],
    ['ports', 'watchdog', 500],
    ['ports', 'watchdog', false],
    ['network', 'listen', []],
    ['network', 'mdns', false],
    ['network', 'preset', lanNetwork],
  ])('refuses beside given %s an option that would do nothing: %s', async (part, name, value) => {
    const given = { ports: defaultPorts({}), network: {} as never }[part]
    const refused = createContext({ [part]: given, [name]: value })
    await expect(refused).rejects.toThrow(TypeError)
    await expect(refused).rejects.toThrow(`the options ${name} and ${part} exclude each other`)
  })

  test('refuses a network of somebody else, and a folder that names no mesh', async () => {
    const ports = defaultPorts({})
    const mesh = foundMemoryMesh(ports)
    const network = { id: mesh.member().id } as never
    await expect(createContext({ identity: mesh.member(), network, ports })).rejects.toThrow(TypeError)
    await expect(createContext({ folder: await emptyFolder() })).rejects.toMatchObject({ name: 'AmcpError' })
  })

  test('closes a store of its own when the start fails, and leaves one that was given alone', async () => {
    const folder = await emptyFolder()
    const ports = defaultPorts({})
    const identity = foundMemoryMesh(ports).member()
    const fault = new Error('no network today')
    const network = new Proxy(
      { id: identity.id },
      {
        get: (target, name) => {
          if (name === 'id') return target.id
          throw fault
        },
      },
    ) as never
    await expect(createContext({ folder, identity, network, ports })).rejects.toBe(fault)
    const store = await folderStore(folder)
    await expect(createContext({ identity, network, ports, store })).rejects.toBe(fault)
    expect(await store.get('a', Uint8Array.of(1))).toBeUndefined()
    await store.close()
  })
})

describe('draining', () => {
  test('ends when nothing is under way, and looks no more then', async () => {
    const clock = new VirtualClock()
    let isIdle = false
    const drained = drain(clock, 1_000, () => isIdle)
    await clock.advance(55)
    isIdle = true
    await clock.advance(10)
    await drained
    expect([clock.monotonic(), clock.pending]).toEqual([65, 0])
  })

  test('ends after its limit, whatever goes on', async () => {
    const clock = new VirtualClock()
    await clock.runFor(drain(clock, 100, () => false))
    expect([clock.monotonic(), clock.pending]).toEqual([100, 0])
  })
})

describe('a context', () => {
  test('says who it is, where it is, and whom it knows', () => {
    const { context } = lonely()
    expect(context.id).toMatch(/^12D3Koo/)
    expect(context.addresses).toEqual(['/ip4/127.0.0.1/tcp/1'])
    expect([context.members, context.neighbours, context.unconfirmed]).toEqual([[], [], ['somebody']])
    expect([...context.agents.list]).toEqual([])
  })

  test('a handler’s subscription that fails is over, and keeps nothing from ending', async () => {
    const { context, ports } = lonely()
    await context.start()
    const failed = context.subscribe('amcp.agent.>', () => {})
    await expect(failed.ready).rejects.toMatchObject({ code: 'ERR_TOPIC_RESERVED' })
    failed.unsubscribe()
    await context.stop()
    expect(ports.counters.get('context.handler-threw')).toBe(0)
    expect(() => context.subscribe('amcp.domain.>', () => {}, { limit: 0 })).toThrow(RangeError)
  })

  test('a stream whose pattern is refused rejects those who read already, and those who read later', async () => {
    const { context } = lonely()
    await context.start()
    const stream = context.subscribe('a..b')
    const reading = expect(stream.next()).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
    await expect(stream.ready).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
    await reading
    await expect(stream.next()).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
    await context.stop()
  })

  test('a reader that waits when the context stops is told that it is over', async () => {
    const { context, clock } = lonely()
    await context.start()
    const stream = context.subscribe('amcp.domain.>')
    await stream.ready
    const reading = stream.next()
    await clock.runFor(context.stop())
    expect(await reading).toEqual({ value: undefined, done: true })
    expect(await stream.next()).toEqual({ value: undefined, done: true })
  })

  test('readers that wait get what comes, each one event, in order', async () => {
    const { context } = lonely()
    await context.start()
    const stream = context.subscribe('amcp.domain.>')
    await stream.ready
    const reading = [stream.next(), stream.next()]
    for (const data of [1, 2]) await context.publish('amcp.domain.x', data)
    expect((await Promise.all(reading)).map(({ value }) => value?.data)).toEqual([1, 2])
    await context.stop()
  })
})
