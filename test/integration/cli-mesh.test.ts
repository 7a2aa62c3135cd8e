import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NodeProcess } from './spawn-node.ts'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
const agents = new URL('cli-agents.ts', import.meta.url).pathname

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'amcp-cli-mesh-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const amcp = (...argv: string[]): NodeProcess => new NodeProcess(main, ...argv)

/** A command that ends: what it printed, after it ended well. */
async function done(input: string | undefined, ...argv: string[]): Promise<Record<string, unknown>[]> {
  await using command = amcp(...argv, '--json')
  command.child.stdin.end(input)
  expect([await command.ended, command.err]).toEqual([0, []])
  return command.out.map((line) => JSON.parse(line) as Record<string, unknown>)
}

const up = async (...argv: string[]): Promise<{ process: NodeProcess; addresses: string[]; members: string[] }> => {
  const process = amcp('up', '--json', '--listen', '/ip4/127.0.0.1/tcp/0', ...argv)
  const { addresses, members } = JSON.parse(await process.line()) as { addresses: string[]; members: string[] }
  return { process, addresses, members }
}

test('a mesh of two processes is founded, joined, called, published to and tapped from the command line', async () => {
  const [founder, newcomer] = [join(root, 'founder'), join(root, 'newcomer')]
  const membership = join(root, 'membership.jws')
  const [founded] = await done(undefined, 'init', '-f', founder, '--name', 'plant')
  const [asked] = await done(undefined, 'join', '-f', newcomer, '--mesh', String(founded!['file']))
  await done(undefined, 'invite', String(asked!['did']), '-f', founder, '--out', membership)
  await done(undefined, 'join', '-f', newcomer, '--membership', membership)

  const first = await up('-f', founder, '--agents', agents)
  await using _first = first.process
  const second = await up('-f', newcomer, '--join', ...first.addresses)
  await using _second = second.process
  expect(second.members).toHaveLength(1)

  expect(await done(undefined, 'agents', '-f', founder)).toEqual([
    { agent: expect.any(String), type: 'press', name: 'press', status: 'ACTIVE' },
  ])
  expect(await done(undefined, 'agents', '-f', newcomer)).toEqual([])
  expect(await done(undefined, 'call', 'press.double', '21', '-f', newcomer)).toEqual([42])

  await using tap = amcp('tap', 'amcp.domain.load.>', '--count', '3', '-f', founder)
  await tap.line((line) => line.startsWith('Listening'), 'err')
  const lines = [1, 2, 3].map((load) => JSON.stringify({ load }))
  expect(await done(`${lines.join('\n')}\n`, 'publish', 'amcp.domain.load.one', '-f', newcomer)).toEqual([
    { published: 3, refused: 0 },
  ])
  expect(await tap.ended).toBe(0)
  expect(tap.out.map((line) => JSON.parse(line) as object)).toEqual(
    [1, 2, 3].map((load) => expect.objectContaining({ subject: 'amcp.domain.load.one', data: { load } })),
  )

  expect(await second.process.stop()).toBe(0)
  expect(await first.process.stop('SIGINT')).toBe(0)
})

test('a process that is told to stop ends, whatever its agents left behind', async () => {
  const folder = join(root, 'restless')
  await done(undefined, 'init', '-f', folder)
  const restless = await up('-f', folder, '--agents', new URL('cli-restless.ts', import.meta.url).pathname)
  await using _restless = restless.process
  expect(await restless.process.stop()).toBe(0)
})

test('a fault ends the command with a code of its kind and is told on standard error, for machines as JSON', async () => {
  await using people = amcp('agents', '-f', join(root, 'nowhere'))
  await using machines = amcp('agents', '--json', '-f', join(root, 'nowhere'))
  await using unknown = amcp('fly')
  expect(await Promise.all([people.ended, machines.ended, unknown.ended])).toEqual([3, 3, 2])
  expect(people.err.join('\n')).toMatch(/^amcp: there is no context in .*amcp init.*\(ERR_CONTROL_UNAVAILABLE\)$/)
  expect(JSON.parse(machines.err[0]!)).toMatchObject({ error: { code: 'ERR_CONTROL_UNAVAILABLE' } })
  expect([...people.out, ...machines.out]).toEqual([])
})

test('help ends well', async () => {
  await using help = amcp('--help')
  expect(await help.ended).toBe(0)
  expect(help.out.join('\n')).toContain('Usage: amcp')
})

test('tap ends well when whoever reads it goes away', async () => {
  const folder = join(root, 'alone')
  await done(undefined, 'init', '-f', folder)
  const alone = await up('-f', folder)
  await using _alone = alone.process
  await using tap = amcp('tap', '-f', folder)
  await tap.line((line) => line.startsWith('Listening'), 'err')
  tap.child.stdout.destroy()
  await done(undefined, 'publish', 'amcp.domain.a', '1', '-f', folder)
  expect(await tap.ended).toBe(0)
  expect(await alone.process.stop()).toBe(0)
})
