import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

test('UC-1 the example takes the user’s own events and goes on, so that the command reaches it from outside', async () => {
  await using running = factory(
    '--serve',
    '--events',
    file('good.ndjson', event('oven', 1), '', '{"load":2}', '"text"'),
  )
  const line = await running.line((one) => one.includes('running; in another terminal'))
  expect(running.out.join('\n')).toMatch(/lines of the file published\s*│ 3 of 3\s*│ ok/)
  expect(running.out.join('\n')).toMatch(/your events at the operator\s*│ 3 received\s*│ ok/)
  const folder = /--folder (\S+)/.exec(line)![1]!
  const [reading] = await json('tap', 'amcp.domain.telemetry.>', '--count', '1', '--folder', folder)
  expect(reading).toMatchObject({ subject: expect.stringMatching(/^amcp\.domain\.telemetry\.edge-[12]$/) })
  const input = JSON.stringify({ window: [1, 1, 1], value: 9 })
  expect(await json('call', 'anomaly.detect', input, '--folder', folder)).toMatchObject([{ anomalous: true }])
  expect(await json('publish', 'amcp.domain.user.more', '1', '--folder', folder)).toEqual([
    { published: 1, refused: 0 },
  ])
  expect(await running.stop('SIGINT')).toBe(0)
})

test('the example names the lines of a file that it cannot take, by their numbers, and fails', async () => {
  const lines = [event('oven', 1), '', '{broken', event('bad..topic', 1)]
  await using running = factory('--events', file('broken.ndjson', ...lines))
  expect(await running.ended).toBe(1)
  expect(running.err.join('\n')).toMatch(/line 3 was refused: .*JSON[\s\S]*line 4 was refused: .*empty level/)
  expect(running.out.join('\n')).toMatch(/lines of the file published\s*│ 1 of 3\s*│ FAILED/)
})

test('the example refuses a file that is not there before it starts anything', async () => {
  await using running = factory('--events', join(root, 'none.ndjson'))
  expect(await running.ended).toBe(1)
  expect(running.err.join('\n')).toContain('none.ndjson')
  expect(running.out).toEqual([])
})
