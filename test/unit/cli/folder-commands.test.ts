import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CliWorld } from './cli-world.ts'

describe('init', () => {
  test('founds a mesh and says what to do with its files', async () => {
    await using world = new CliWorld()
    const { out } = await world.run('init', '-f', world.folder, '--name', 'plant')
    expect(out).toMatch(/Founded the mesh plant/)
    expect(out).toContain(world.path('context', 'mesh.json'))
    expect(out).toContain(`Next: amcp up -f ${world.folder}\n`)
    expect(statSync(world.path('context', 'root.key')).mode & 0o077).toBe(0)
  })

  test('prints one JSON line, and writes the addresses into the mesh file', async () => {
    await using world = new CliWorld()
    const address = '/ip4/192.0.2.1/tcp/4001'
    const { json } = await world.run('init', '-f', world.folder, '--json', '--address', address, `${address}0`)
    expect(json).toEqual([
      { mesh: expect.any(String), name: 'mesh', root: expect.stringMatching(/^did:key:/), file: expect.any(String) },
    ])
    const file = JSON.parse(readFileSync(world.path('context', 'mesh.json'), 'utf8')) as Record<string, unknown>
    expect(file).toMatchObject({ mesh: json[0]!['mesh'] })
    expect(JSON.stringify(file)).toContain(`${address}0`)
  })

  test('refuses an address that is none, before it makes anything', async () => {
    await using world = new CliWorld()
    const refused = world.run('init', '-f', world.folder, '-a', '/ip4/192.0.2.1/tcp/4001', '192.0.2.1:4001')
    await expect(refused).rejects.toMatchObject({ code: 'commander.invalidArgument' })
    expect(world.err).toContain("argument '192.0.2.1:4001' is invalid. it must be a multiaddr such as")
    expect(existsSync(world.folder)).toBe(false)
  })

  test('refuses a folder that already holds a context', async () => {
    await using world = new CliWorld()
    await world.run('init', '-f', world.folder)
    await expect(world.run('init', '-f', world.folder)).rejects.toMatchObject({ code: 'ERR_USAGE' })
  })
})

describe('join and invite', () => {
  const founded = async (world: CliWorld) => {
    await world.run('init', '-f', world.folder)
    return world.path('context', 'mesh.json')
  }
  const joining = async (world: CliWorld, name = 'newcomer') => {
    const mesh = await founded(world)
    const { json } = await world.run('join', '-f', world.path(name), '--mesh', mesh, '--json')
    return String(json[0]!['did'])
  }

  test('a newcomer is told its did:key and whom to give it', async () => {
    await using world = new CliWorld()
    const mesh = await founded(world)
    const { out } = await world.run('join', '-f', world.path('newcomer'), '--mesh', mesh)
    expect(out).toMatch(/^did:key:z\w+\nNext, at the founder: amcp invite did:key:z\w+ --out/)
    expect(out).toContain(`Then, here: amcp join -f ${world.path('newcomer')} --membership`)
  })

  test('a membership goes by a file that only its owner reads', async () => {
    await using world = new CliWorld()
    const did = await joining(world)
    const file = world.path('membership.jws')
    const { out } = await world.run('invite', did, '-f', world.folder, '--out', file)
    expect(out).toContain(`amcp join --membership ${file}`)
    expect(statSync(file).mode & 0o077).toBe(0)
    const admitted = await world.run('join', '-f', world.path('newcomer'), '--membership', file)
    expect(admitted.out).toMatch(/^Admitted as 12D3Koo\w+\. Next: amcp up -f \S+newcomer --join ADDRESS/)
  })

  test('a newcomer to a mesh whose file has addresses needs none', async () => {
    await using world = new CliWorld()
    await world.run('init', '-f', world.folder, '-a', '/ip4/192.0.2.1/tcp/4001')
    const [newcomer, file] = [world.path('newcomer'), world.path('membership.jws')]
    const { json } = await world.run('join', '-f', newcomer, '-m', world.path('context', 'mesh.json'), '--json')
    await world.run('invite', String(json[0]!['did']), '-f', world.folder, '-o', file)
    const { out } = await world.run('join', '-f', newcomer, '--membership', file)
    expect(out).toMatch(/Next: amcp up -f \S+newcomer\n$/)
  })

  test('a membership that is none is told by its file, and a folder without a key what comes first', async () => {
    await using world = new CliWorld()
    await joining(world)
    const file = world.path('junk.jws')
    writeFileSync(file, 'junk')
    await expect(world.run('join', '-f', world.path('newcomer'), '--membership', file)).rejects.toMatchObject({
      code: 'ERR_NOT_A_MEMBER',
      message: expect.stringMatching(/junk\.jws does not admit the context of .*newcomer: /),
    })
    await expect(world.run('join', '-f', world.path('third'), '--membership', file)).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining('first amcp join --mesh mesh.json'),
    })
    const did = await world.run('join', '-f', world.path('fourth'), '-m', world.path('context', 'mesh.json'), '--json')
    await world.run('invite', String(did.json[0]!['did']), '-f', world.folder, '-o', file)
    mkdirSync(world.path('fourth', 'membership.jws'))
    // What the disk says is told as it is.
    await expect(world.run('join', '-f', world.path('fourth'), '--membership', file)).rejects.toThrow(/EISDIR|EEXIST/)
    const both = world.run('join', '-f', world.path('third'), '--mesh', 'mesh.json', '--membership', file)
    await expect(both).rejects.toMatchObject({ code: 'ERR_USAGE', message: expect.stringContaining('one of both') })
  })

  test('a membership is printed, for hours and roles as asked', async () => {
    await using world = new CliWorld()
    const did = await joining(world)
    const { json } = await world.run('invite', did, '-f', world.folder, '--json', '--hours', '2', '--role', 'a', 'b')
    const [fact] = json
    expect(fact).toMatchObject({ did, hours: 2 })
    const claims = JSON.parse(
      Buffer.from(String(fact!['membership']).split('.')[1]!, 'base64url').toString(),
    ) as Record<string, unknown>
    expect(JSON.stringify(claims)).toContain('["a","b"]')
    expect(Number(claims['exp']) - Number(claims['iat'] ?? claims['nbf'])).toBeGreaterThanOrEqual(7_200)
    const text = await world.run('invite', did, '-f', world.folder)
    expect(text.out.trim().split('.')).toHaveLength(3)
  })

  test('both steps of join are one when the membership is at hand', async () => {
    await using world = new CliWorld()
    const did = await joining(world)
    const file = world.path('membership.jws')
    const { json } = await world.run('invite', did, '-f', world.folder, '-o', file, '--json')
    expect(json).toEqual([{ did, hours: 48, file }])
    const admitted = await world.run('join', '-f', world.path('newcomer'), '--membership', file, '--json')
    expect(admitted.json).toEqual([{ context: expect.stringMatching(/^12D3Koo/), folder: world.path('newcomer') }])
  })

  test("another's membership is refused", async () => {
    await using world = new CliWorld()
    const did = await joining(world)
    const mesh = world.path('context', 'mesh.json')
    await world.run('join', '-f', world.path('other'), '--mesh', mesh)
    const file = world.path('membership.jws')
    await world.run('invite', did, '-f', world.folder, '-o', file)
    await expect(world.run('join', '-f', world.path('other'), '--membership', file)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_/),
    })
  })

  test('faults name what is missing', async () => {
    await using world = new CliWorld()
    await expect(world.run('join', '-f', world.folder)).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining('--membership'),
    })
    await expect(world.run('join', '--mesh', world.path('none.json'))).rejects.toMatchObject({ code: 'ERR_USAGE' })
    writeFileSync(world.path('mesh.json'), 'no JSON')
    await expect(world.run('join', '-f', world.folder, '--mesh', world.path('mesh.json'))).rejects.toMatchObject({
      code: 'ERR_MESH_FILE_INVALID',
    })
    const said = async (...argv: string[]): Promise<string> => {
      const fault: unknown = await world.run(...argv, '-f', world.folder).catch((error: unknown) => error)
      expect(fault).toMatchObject({ code: 'ERR_USAGE' })
      return (fault as Error).message
    }
    expect(await said('invite', 'did:key:z6Mk')).toMatch(/root\.key cannot be read: only the folder that founded/)
    expect(await said('join', '--mesh', world.path('none.json'))).toContain('copy it from the founder')
    expect(await said('join', '--membership', world.path('none.jws'))).toContain('amcp invite wrote')
  })

  test('a membership that was printed into a file is taken, with the line break at its end', async () => {
    await using world = new CliWorld()
    const newcomer = world.path('newcomer')
    await world.run('init', '-f', world.folder)
    const { json } = await world.run('join', '-f', newcomer, '--mesh', world.path('context', 'mesh.json'), '--json')
    const { out } = await world.run('invite', String(json[0]!['did']), '-f', world.folder)
    writeFileSync(world.path('b.jws'), out)
    expect((await world.run('join', '-f', newcomer, '--membership', world.path('b.jws'))).out).toContain('Admitted as')
  })

  test('hours are a number above zero, 48 at most', async () => {
    await using world = new CliWorld()
    for (const hours of ['0', '-1', 'many', 'Infinity']) {
      await expect(world.run('invite', 'did:key:z6Mk', '--hours', hours)).rejects.toMatchObject({
        code: 'commander.invalidArgument',
      })
      expect(world.err).toContain('a number above zero')
    }
    await expect(world.run('invite', 'did:key:z6Mk', '--hours', '48.1')).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    })
    expect(world.err).toContain('48 hours at most')
  })
})
