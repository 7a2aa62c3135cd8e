import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import { mesh } from './mesh.ts'
import { writeReport } from './report.ts'
import type { Outcome, Scenario } from './scenario.ts'

interface Flags {
  readonly agents: number
  readonly seed: number
  readonly json?: true
  readonly report?: string
}

const scenarios: readonly Scenario[] = [mesh]

const program = new Command('npm run sim --')
  .description('Runs a scenario on virtual time. The same seed gives the same trace; its SHA-256 is the last line.')
  .showHelpAfterError()
for (const scenario of scenarios)
  program
    .command(scenario.name)
    .description(scenario.description)
    .option('--agents <number>', 'how many agents, spread over the contexts', whole, 200)
    .option('--seed <number>', 'what everything random is drawn from', whole, 7)
    .option('--json', 'prints JSON lines instead of a table')
    .option('--report <folder>', 'writes trace.txt and report.html, a chart over virtual time, into the folder')
    .action((flags: Flags) => run(scenario, flags))
await program.parseAsync()

async function run(scenario: Scenario, { agents, seed, json, report }: Flags): Promise<void> {
  const outcome = await scenario.run({ agents, seed })
  const title = `${scenario.name}: ${agents} agents, seed ${seed}, ${(outcome.elapsed / 1_000).toFixed(1)} s of virtual time`
  if (report !== undefined) writeReport(report, title, outcome)
  console.log(json ? linesOf(outcome) : `${title}\n${tableOf(outcome)}`)
  console.log(outcome.sha256)
  if (outcome.rows.some(({ holds }) => holds === false)) process.exitCode = 1
}

function tableOf({ rows, lines }: Outcome): string {
  const table = new Table({ head: ['what', 'value', 'holds'], style: { head: [], border: [] } })
  for (const { what, value, holds } of rows)
    table.push([what, value, holds === undefined ? '' : holds ? 'ok' : 'FAILED'])
  table.push(['lines of trace', `${lines}`, ''])
  return table.toString()
}

function linesOf({ rows }: Outcome): string {
  return rows.map((row) => JSON.stringify(row)).join('\n')
}

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number above 0')
  return value
}
