import { existsSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { folderPaths } from '../../src/identity/context-folder.ts'
import { ContextProcess, MeshFolders } from './context-processes.ts'

test('MS-1 two processes publish to and call each other without a server', async () => {
  using mesh = new MeshFolders()
  await using first = await ContextProcess.start(mesh.founder)
  await using second = await ContextProcess.start(mesh.member('second'), first.addresses)
  await second.ask('subscribe', 'amcp.domain.>')
  const data = Array.from({ length: 500 }, (_, n) => ({ n }))
  await first.ask('publish', { topic: 'amcp.domain.telemetry.a', data })
  await second.until(() => second.events.length === data.length)
  expect(second.events.map((event) => event.data)).toEqual(data)

  const agent = await second.ask('spawn')
  expect(await first.ask('call', { target: 'double', input: 21 })).toBe(42)
  expect(await first.ask('call', { target: agent, input: 4, options: { capability: 'double' } })).toBe(8)
  await expect(first.ask('call', { target: 'double', input: 'x' })).rejects.toMatchObject({
    code: 'ERR_SCHEMA_MISMATCH',
  })
  await expect(first.ask('call', { target: 'fail', input: 1 })).rejects.toMatchObject({
    code: 'ERR_CALL_FAILED',
    details: { name: 'RangeError' },
  })
  await expect(first.ask('call', { target: 'nobody.does', input: 1 })).rejects.toMatchObject({
    code: 'ERR_CAPABILITY_UNKNOWN',
  })
})

test('a target that is killed in the middle of a call fails it with ERR_CALL_TARGET_LOST', async () => {
  using mesh = new MeshFolders()
  await using first = await ContextProcess.start(mesh.founder)
  await using second = await ContextProcess.start(mesh.member('second'), first.addresses)
  await second.ask('spawn')
  const call = expect(
    first.ask('call', { target: 'hang', input: 1, options: { deadline: 25_000 } }),
  ).rejects.toMatchObject({
    code: 'ERR_CALL_TARGET_LOST',
  })
  await second.hanging()
  await second.kill('SIGKILL')
  await call
})

test('SIGTERM in the middle of a burst drains: nothing that was sent is lost', async () => {
  using mesh = new MeshFolders()
  await using first = await ContextProcess.start(mesh.founder)
  await using second = await ContextProcess.start(mesh.member('second'), first.addresses)
  await first.ask('subscribe', 'amcp.domain.burst')
  await second.ask('burst', 'amcp.domain.burst')
  await first.until(() => first.events.length > 1_000)
  expect(await second.kill('SIGTERM')).toBe(0)
  // What its publisher was told is taken, up to the first refusal; it says so as its last word.
  const [{ data }] = second.events as unknown as [{ data: { length: number; metrics: Record<string, number> } }]
  expect(data.length).toBeGreaterThan(1_000)
  expect(data.metrics['broker.stop-undrained']).toBeUndefined()
  await first.until(() => first.events.length >= data.length)
  expect(first.events.map((event) => event.data)).toEqual(Array.from({ length: data.length }, (_, n) => n))
})

test('SIGTERM ends a process whose handler hangs, too: the call is told, what was sent is not lost, and the mesh knows', async () => {
  using mesh = new MeshFolders()
  await using first = await ContextProcess.start(mesh.founder)
  await using second = await ContextProcess.start(mesh.member('second'), first.addresses)
  await first.ask('subscribe', 'amcp.domain.burst')
  await second.ask('spawn')
  const call = expect(
    first.ask('call', { target: 'hang', input: 1, options: { deadline: 100_000 } }),
  ).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  await second.hanging()
  const sent = Array.from({ length: 2_000 }, (_, n) => n)
  await second.ask('publish', { topic: 'amcp.domain.burst', data: sent })
  expect(await second.kill('SIGTERM')).toBe(0)
  await call
  const [{ data }] = second.events as unknown as [{ data: { metrics: Record<string, number> } }]
  expect(data.metrics['agents.hung']).toBe(1)
  expect(data.metrics['broker.stop-undrained']).toBeUndefined()
  await first.until(() => first.events.length >= sent.length)
  expect(first.events.map((event) => event.data)).toEqual(sent)
  expect(await first.ask('members')).toEqual([])
})

test('a folder in use, an expired membership and a foreign mesh are refused by their names', async () => {
  using mesh = new MeshFolders()
  using foreign = new MeshFolders()
  await using first = await ContextProcess.start(mesh.founder)
  await expect(ContextProcess.start(mesh.founder)).rejects.toMatchObject({ code: 'ERR_FOLDER_IN_USE' })
  await expect(ContextProcess.start(mesh.path('nowhere'))).rejects.toMatchObject({ code: 'ERR_USAGE' })
  await expect(ContextProcess.start(mesh.expired('late'))).rejects.toMatchObject({ code: 'ERR_MEMBERSHIP_EXPIRED' })
  await expect(ContextProcess.start(foreign.founder, first.addresses)).rejects.toMatchObject({ code: 'ERR_WRONG_MESH' })
})

test('a folder that was copied to a second process, store and all, is found out: ERR_DUPLICATE_IDENTITY', async () => {
  using mesh = new MeshFolders()
  await using first = await ContextProcess.start(mesh.founder)
  const folder = mesh.member('second')
  await using second = await ContextProcess.start(folder, first.addresses)
  const copy = mesh.copy(folder, 'copy')
  expect(readdirSync(copy).toSorted()).toEqual(readdirSync(folder).toSorted())
  expect(existsSync(folderPaths(copy).store)).toBe(true)
  await expect(ContextProcess.start(copy, first.addresses)).rejects.toMatchObject({ code: 'ERR_DUPLICATE_IDENTITY' })
  expect(await second.ask('members')).toEqual([first.id])
})
