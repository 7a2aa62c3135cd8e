import { describe, expect, test } from 'vitest'
import { defaultPorts, defaultWatchdog, folderIdentity, folderOf, folderStore } from '../../src/context-defaults.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'
import { emptyFolder } from './context-world.ts'

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
