import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { contextIdOf } from '../../src/core/ids.ts'
import { CliWorld } from '../unit/cli/cli-world.ts'

const agents = new URL('cli-agents.ts', import.meta.url).pathname

const founded = async (): Promise<CliWorld> => {
  const world = new CliWorld()
  await world.run('init', '-f', world.folder)
  return world
}

describe('up', () => {
  test('says who is up and where, and drains when the user stops', async () => {
    await using world = await founded()
    const running = world.run('up', '-f', world.folder, '--agents', agents, '--listen', '/ip4/127.0.0.1/tcp/0')
    await world.until(() => world.out !== '')
    expect(world.out).toMatch(
      /^Up as 12D3Koo\w+, with 0 other members and 1 agent\.\n {2}\/ip4\/127\.0\.0\.1\/tcp\/\d+/,
    )
    world.stop.abort()
    expect((await running).err).toMatch(/^Draining, for 10 s at most/)
  })

  test('ends at once when the user has stopped before it was up', async () => {
    await using world = await founded()
    world.stop.abort(new Error('stopped by SIGINT'))
    await expect(world.run('up', '-f', world.folder)).rejects.toThrow('stopped by SIGINT')
    expect(world.out).toBe('')
  })

  test('refuses a module without a definition, and leaves the folder to the next', async () => {
    await using world = await founded()
    const file = world.path('nothing.mjs')
    writeFileSync(file, 'export const note = 1, nobody = null, half = { type: "a" }')
    const refused = world.run('up', '-f', world.folder, '--agents', file)
    await expect(refused).rejects.toMatchObject({ code: 'ERR_USAGE', message: expect.stringContaining('defineAgent') })
    const missing = world.run('up', '-f', world.folder, '--agents', world.path('none.mjs'))
    await expect(missing).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining('none.mjs cannot'),
    })
    const running = world.run('up', '-f', world.folder, '--json')
    await world.until(() => world.out !== '')
    world.stop.abort()
    expect((await running).json).toEqual([
      { context: expect.any(String), addresses: [expect.any(String)], members: [], agents: 0 },
    ])
  })

  test('says that it is alone where nobody answers, and refuses to join by what is no address', async () => {
    await using world = await founded()
    const nobody = `/ip4/127.0.0.1/tcp/1/p2p/${contextIdOf(new Uint8Array(32))}`
    const running = world.run('up', '-f', world.folder, '--join', nobody, '--json')
    await world.until(() => world.err !== '')
    expect(JSON.parse(world.err)).toEqual({ alone: true, join: [nobody] })
    world.stop.abort()
    await running
    await using other = await founded()
    await expect(other.run('up', '-f', other.folder, '--join', 'nowhere')).rejects.toThrow('not a multiaddr: nowhere')
  })

  test('refuses a folder that holds no context, and one that was not admitted yet', async () => {
    await using world = await founded()
    await expect(world.run('up', '-f', world.path('none'))).rejects.toMatchObject({ code: 'ERR_USAGE' })
    const folder = world.path('newcomer')
    await world.run('join', '-f', folder, '--mesh', world.path('context', 'mesh.json'))
    await expect(world.run('up', '-f', folder)).rejects.toMatchObject({
      code: 'ERR_NOT_A_MEMBER',
      message: expect.stringContaining('amcp invite did:key:'),
    })
  })

  test('fails when the context has to stop by itself, as when its membership runs out', async () => {
    await using world = await founded()
    const [folder, file] = [world.path('newcomer'), world.path('membership.jws')]
    const { json } = await world.run('join', '-f', folder, '--mesh', world.path('context', 'mesh.json'), '--json')
    await world.run('invite', String(json[0]!['did']), '-f', world.folder, '-o', file, '--hours', '0.001')
    await world.run('join', '-f', folder, '--membership', file)
    await expect(world.run('up', '-f', folder)).rejects.toMatchObject({ code: 'ERR_MEMBERSHIP_EXPIRED' })
    expect(world.err).not.toContain('Draining')
  })
})
