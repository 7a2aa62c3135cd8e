import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NodeProcess } from './spawn-node.ts'

const at = (path: string): string => new URL(path, import.meta.url).pathname

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'amcp-factory-test-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const factory = (...argv: string[]): NodeProcess =>
  new NodeProcess('--import', at('package-sources.ts'), at('../../examples/smart-factory/main.ts'), ...argv)

const file = (name: string, ...lines: string[]): string => {
  const path = join(root, name)
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
  return path
}

const event = (subject: string, data: unknown): string => JSON.stringify({ specversion: '1.0', subject, data })

async function json(...argv: string[]): Promise<unknown[]> {
  await using command = new NodeProcess(at('../../src/cli/main.ts'), ...argv, '--json')
  expect([await command.ended, command.err.filter((line) => line.startsWith('amcp'))]).toEqual([0, []])
  return command.out.map((line) => JSON.parse(line) as unknown)
}

/** The example as the command sees it from another terminal: it publishes telemetry and answers. Returns its folder. */
async function reached(line: string): Promise<string> {
  const folder = /--folder (\S+)/.exec(line)![1]!
  for (const edge of ['edge-1', 'edge-2']) {
    const topic = `amcp.domain.telemetry.${edge}`
    expect(await json('tap', topic, '--count', '2', '--folder', folder)).toMatchObject([
      { subject: topic, data: { host: edge } },
      { subject: topic, data: { host: edge } },
    ])
  }
  const input = JSON.stringify({ window: [1, 1, 1], value: 9 })
  expect(await json('call', 'anomaly.detect', input, '--folder', folder)).toMatchObject([{ anomalous: true }])
  return folder
}

test('UC-1 the example tells its story and, told to serve, goes on: its sensors publish and its agents answer', async () => {
  await using running = factory('--serve')
  const line = await running.line((one) => one.includes('running; in another terminal'))
  await reached(line)
  const table = running.out.join('\n')
  for (const row of [
    '4 processes form a mesh',
    'a load in edge-2 is found',
    'edge-1 is killed',
    'edge-1 is started again',
    'every event reached the plant',
    'every event reached the operator',
    'calls by capability',
    'no alert without a load',
  ])
    expect(table).toContain(row)
  // Whether a load is found within its time is the machine's matter, too: .ci/run asks for it, here only that it is said.
  expect(await running.stop('SIGINT')).toBe(table.includes('FAILED') ? 1 : 0)
})

test('UC-1 the example takes the user’s own events and goes on, so that the command reaches it from outside', async () => {
  await using running = factory(
    '--serve',
    '--events',
    file('good.ndjson', event('oven', 1), '', '{"load":2}', '"text"'),
  )
  const line = await running.line((one) => one.includes('running; in another terminal'))
  expect(running.out.join('\n')).toMatch(/lines of the file published\s*│ 3 of 3\s*│ ok/)
  expect(running.out.join('\n')).toMatch(/your events at the operator\s*│ 3 received\s*│ ok/)
  const folder = await reached(line)
  expect(await json('publish', 'amcp.domain.user.more', '1', '--folder', folder)).toEqual([
    { published: 1, refused: 0 },
  ])
  expect(await running.stop('SIGINT')).toBe(0)
})

test('the example names the lines of a file that it cannot take, by their numbers, and fails', async () => {
  const bytes = JSON.stringify({ specversion: '1.0', subject: 'oven', data_base64: 'AQI=' })
  await using running = factory(
    '--events',
    file('broken.ndjson', event('oven', 1), '', '{broken', event('bad..topic', 1), '{"specversion":"1.1"}', bytes),
  )
  expect(await running.ended).toBe(1)
  expect(running.err.join('\n')).toMatch(
    /line 3 was refused: .*JSON.*\n.*line 4 was refused: .*empty level.*\n.*line 5 was refused: .*1\.1.*\n.*line 6 .*bytes/,
  )
  expect(running.out.join('\n')).toMatch(/lines of the file published\s*│ 1 of 5\s*│ FAILED/)
})

test.each([
  ['is not there', 'none.ndjson', () => {}],
  ['is empty', 'empty.ndjson', (path: string) => writeFileSync(path, '')],
  ['is a folder', 'folder', (path: string) => mkdirSync(path)],
])('the example refuses a file that %s before it starts anything', async (_, name, make) => {
  const path = join(root, name)
  make(path)
  await using running = factory('--events', path)
  expect(await running.ended).toBe(1)
  expect(running.err.join('\n')).toMatch(new RegExp(`${name}.*cannot be read.*One JSON value a line`, 's'))
  expect(running.out).toEqual([])
})
