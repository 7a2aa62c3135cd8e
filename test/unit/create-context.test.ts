import { describe, expect, test } from 'vitest'
import { defaultPorts, folderStore } from '../../src/context-defaults.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createContext } from '../../src/create-context.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'
import { lanNetwork } from '../../src/network/libp2p/preset.ts'
import { emptyFolder } from './context-world.ts'

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
    ['network', 'announce', []],
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
