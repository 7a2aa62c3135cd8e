import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Context } from '../../src/context.ts'
import { systemPorts } from '../../src/core/default-ports.ts'
import { type Logger, silentLogger } from '../../src/core/logger.ts'
import type { Ports } from '../../src/core/ports.ts'
import { createContext } from '../../src/create-context.ts'
import { folderPaths } from '../../src/identity/context-folder.ts'
import { foundMemoryMesh, type MemoryMesh } from '../../src/identity/context-identity.ts'
import { MeshFolders } from '../integration/context-processes.ts'

const HOUR = 3_600_000
const quiet = { watchdog: false } as const

/** The machine's ports with a wall clock that is wrong. */
function wrongBy(ms: number): Ports {
  const ports = systemPorts()
  const { clock } = ports
  return {
    ...ports,
    clock: {
      now: () => clock.now() + ms,
      monotonic: () => clock.monotonic(),
      after: (delay, run) => clock.after(delay, run),
      endOfTurn: (run) => clock.endOfTurn(run),
      endOfTask: (run) => clock.endOfTask(run),
    },
  }
}

/** A context that others dial, and the end of its first greeting that failed: by then it is counted. */
async function hostOf(mesh: MemoryMesh): Promise<{ host: Context; failed: Promise<void> }> {
  const failed = Promise.withResolvers<void>()
  const logger: Logger = {
    ...silentLogger,
    info: (_fields, message) => {
      if (message === 'hello failed') failed.resolve()
    },
  }
  return { host: await createContext({ identity: mesh.member(), logger, ...quiet }), failed: failed.promise }
}

/** Starts and stops a context so often, so that its store has files of all kinds. */
async function livesOf(folder: string, count: number): Promise<void> {
  for (let life = 0; life < count; life += 1) {
    const context = await createContext({ folder, ...quiet })
    await context.stop()
  }
}

/** Changes every byte of the store's files that fit. */
function damage(store: string, files: RegExp): void {
  const names = readdirSync(store).filter((name) => files.test(name))
  expect(names).not.toEqual([])
  for (const name of names) {
    writeFileSync(
      join(store, name),
      readFileSync(join(store, name)).map((byte) => byte ^ 0x5a),
    )
  }
}

const refusals = (context: Context): string =>
  Object.keys(context.metrics())
    .filter((name) => name.startsWith('membership.hello.refused'))
    .join(' ')

describe('a context that is refused at its start', () => {
  test.each([HOUR, -HOUR])('by a clock %i ms off: ERR_CLOCK_SKEW, counted by the member it dialled', async (ms) => {
    // Founded an hour ago, so that only the clocks speak against the guest.
    const mesh = foundMemoryMesh(wrongBy(-HOUR))
    const { host, failed } = await hostOf(mesh)
    await using _ = host
    const guest = createContext({ ports: wrongBy(ms), identity: mesh.member(), bootstrap: host.addresses })
    await expect(guest).rejects.toMatchObject({ code: 'ERR_CLOCK_SKEW' })
    await failed
    expect(refusals(host)).toContain('ERR_CLOCK_SKEW')
    expect(host.members).toEqual([])
    await using other = await createContext({ identity: mesh.member(), bootstrap: host.addresses, ...quiet })
    expect(other.members).toEqual([host.id])
  })

  test('by a mesh that it does not belong to: ERR_WRONG_MESH, counted by the member it dialled', async () => {
    const [mesh, foreign] = [foundMemoryMesh(systemPorts()), foundMemoryMesh(systemPorts(), 'foreign')]
    const { host, failed } = await hostOf(mesh)
    await using _ = host
    const guest = createContext({ identity: foreign.member(), bootstrap: host.addresses, ...quiet })
    await expect(guest).rejects.toMatchObject({ code: 'ERR_WRONG_MESH' })
    await failed
    expect(refusals(host)).toContain('ERR_WRONG_MESH')
    expect(host.members).toEqual([])
  })

  test('with the membership of somebody else: ERR_NOT_A_MEMBER before anybody is dialled', async () => {
    const mesh = foundMemoryMesh(systemPorts())
    const [one, other] = [mesh.member(), mesh.member()]
    const mixed = { ...one, membership: other.membership }
    await expect(createContext({ identity: mixed, ...quiet })).rejects.toMatchObject({ code: 'ERR_NOT_A_MEMBER' })
  })

  test('with a membership that ran out: ERR_MEMBERSHIP_EXPIRED, and the folder is free again', async () => {
    using mesh = new MeshFolders()
    const folder = mesh.expired('late')
    for (let tries = 0; tries < 2; tries += 1)
      await expect(createContext({ folder, ...quiet })).rejects.toMatchObject({ code: 'ERR_MEMBERSHIP_EXPIRED' })
  })
})

describe('the folder of a context', () => {
  test('without a membership: ERR_NOT_A_MEMBER', async () => {
    using mesh = new MeshFolders()
    const folder = mesh.member('guest')
    rmSync(join(folder, 'membership.jws'))
    await expect(createContext({ folder, ...quiet })).rejects.toMatchObject({ code: 'ERR_NOT_A_MEMBER' })
  })

  test('with a store that is damaged: ERR_STORE_UNREADABLE, and nothing of it is left open', async () => {
    using mesh = new MeshFolders()
    const { store } = folderPaths(mesh.founder)
    await using stack = new AsyncDisposableStack()
    await stack.use(await createContext({ folder: mesh.founder, ...quiet })).stop()
    writeFileSync(join(store, 'CURRENT'), 'MANIFEST-000000\n')
    await expect(createContext({ folder: mesh.founder, ...quiet })).rejects.toMatchObject({
      code: 'ERR_STORE_UNREADABLE',
    })
    rmSync(store, { recursive: true })
    mkdirSync(store)
    // What the store held comes back from the other members; key and membership lie beside it.
    await using context = await createContext({ folder: mesh.founder, ...quiet })
    expect(context.addresses.length).toBeGreaterThan(0)
  })

  test.each([
    ['the tables', /\.ldb$/],
    ['the manifest', /^MANIFEST/],
  ])('with a store of which %s are damaged: ERR_STORE_UNREADABLE', async (_what, files) => {
    using mesh = new MeshFolders()
    await livesOf(mesh.founder, 3)
    damage(folderPaths(mesh.founder).store, files)
    await expect(createContext({ folder: mesh.founder, ...quiet })).rejects.toMatchObject({
      code: 'ERR_STORE_UNREADABLE',
    })
  })

  test('whose last writes are damaged, as after a power cut, starts without them', async () => {
    using mesh = new MeshFolders()
    await livesOf(mesh.founder, 2)
    damage(folderPaths(mesh.founder).store, /\.log$/)
    await using context = await createContext({ folder: mesh.founder, ...quiet })
    await using other = await createContext({ folder: mesh.member('other'), bootstrap: context.addresses, ...quiet })
    expect(other.members).toEqual([context.id])
  })

  test('is free again when the port was taken', async () => {
    using mesh = new MeshFolders()
    await using first = await createContext({ folder: mesh.founder, ...quiet })
    const taken = first.addresses[0]!.replace(/\/p2p\/.*/, '')
    const folder = mesh.member('second')
    await expect(createContext({ folder, listen: [taken], ...quiet })).rejects.toMatchObject({
      code: 'ERR_ADDRESS_IN_USE',
    })
    await using second = await createContext({ folder, bootstrap: first.addresses, ...quiet })
    expect(second.members).toEqual([first.id])
  })
})

describe('an address where nobody answers', () => {
  test('keeps nobody from starting, and is tried until somebody does', async () => {
    const mesh = foundMemoryMesh(systemPorts())
    const identity = mesh.member()
    const before = await createContext({ identity, ...quiet })
    const [address] = before.addresses
    await before.stop()
    await using guest = await createContext({ identity: mesh.member(), bootstrap: [address!], ...quiet })
    expect([guest.members, guest.metrics()['membership.dial.failed']]).toEqual([[], expect.any(Number)])
    const listen = [address!.replace(/\/p2p\/.*/, '')]
    await using late = await createContext({ identity, listen, ...quiet })
    const met = Promise.withResolvers<void>()
    late.subscribe('amcp.domain.hello', () => met.resolve())
    const greeting = setInterval(() => void guest.publish('amcp.domain.hello', null), 50)
    try {
      await met.promise
    } finally {
      clearInterval(greeting)
    }
    expect(guest.members).toEqual([late.id])
  })
})
