import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { childEnvironment } from '../integration/spawn-node.ts'

async function run(...argv: string[]): Promise<{ agent: string; waiting: string; report: Record<string, unknown> }> {
  const file = new URL('call-endless-loop.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [file, ...argv], { env: childEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  const errors: string[] = []
  const said = createInterface(child.stderr)
  said.on('line', (line) => errors.push(line))
  try {
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    const [agent, waiting] = line.split(' ') as [string, string]
    while (!errors.some((error) => error.startsWith('{'))) await once(said, 'line')
    return { agent, waiting, report: JSON.parse(errors.find((error) => error.startsWith('{'))!) }
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

test('a native agent in an endless loop is named by the watchdog', async () => {
  const { agent, report } = await run()
  expect(report).toMatchObject({ level: 'error', code: 'ERR_AGENT_BLOCKS', agent, suspects: [], limit: 200 })
  expect(report['message']).toContain(agent)
})

test('a loop that blocks while no agent runs accuses nobody', async () => {
  const { report } = await run('nobody')
  expect(report).toMatchObject({
    code: 'ERR_AGENT_BLOCKS',
    agent: null,
    suspects: [],
    message: 'the event loop is blocked',
  })
})

test('a loop after an await cannot be told from others, so all are named whose handlers are under way', async () => {
  const { agent, waiting, report } = await run('later')
  expect(report).toMatchObject({ code: 'ERR_AGENT_BLOCKS', agent: null, suspects: [agent, waiting] })
  expect(report['message']).toContain(`${agent} or ${waiting}`)
})
