import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import Table from 'cli-table3'
import { Command } from 'commander'
import type { Figure } from './harness/pairs.ts'

/** Runs the figures one after the other, each in processes of its own, and prints them as a table or as JSON lines. */
const folder = new URL('.', import.meta.url)
const all = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -3))
  .sort()

const program = new Command('bench')
  .description('Measures the project and its rivals on this machine, in the same minute, interleaved.')
  .option('--json', 'one JSON line a figure', false)
  .option('--only <names>', `comma-separated: ${all.join(', ')}`)
  .option('--quick', 'fewer and shorter pairs', false)
  .parse()
const { json, only, quick } = program.opts<{ json: boolean; only?: string; quick: boolean }>()
const names = only?.split(',') ?? all
const unknown = names.filter((name) => !existsSync(new URL(`${name}.ts`, folder)))
if (unknown.length > 0) program.error(`there is no figure ${unknown.join(', ')}: ${all.join(', ')}`)

/** 10,000 agents' heaps are weighed after a collection, so collections must be possible to ask for. */
const nodeOptions = ['--expose-gc', '--max-semi-space-size=64']
const figures: Figure[] = []
let failed = false
for (const name of names) {
  if (!json) process.stderr.write(`${name} …\n`)
  const child = spawn(process.execPath, [...nodeOptions, `${name}.ts`, ...(quick ? ['--quick'] : [])], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue
    if (json) console.log(line)
    figures.push(JSON.parse(line) as Figure)
  }
  const code = child.exitCode ?? (await new Promise<number | null>((resolve) => child.once('exit', resolve)))
  if (code !== 0) {
    failed = true
    console.error(`${name} ended with ${code}`)
  }
}

if (!json) {
  const table = new Table({
    head: ['figure', 'value', 'unit', 'rival', 'rival value', 'ratio'],
    style: { head: [], border: [] },
  })
  for (const { figure, value, unit, rival, rivalValue, ratio, published, received, conditions } of figures) {
    const version = conditions['rivalVersion']
    const against = [rival, version].filter((part) => part !== undefined && part !== null).join(' ')
    const what = published === undefined ? unit : `${unit}; ${received} of ${published} received`
    table.push([figure, value, what, against, rivalValue ?? '', ratio ?? ''])
  }
  console.log(table.toString())
}
process.exitCode = failed ? 1 : 0
