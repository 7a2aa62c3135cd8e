import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Coverage of the tests' own process (Vitest) joined with that of the processes the tests start (raw V8 data).
 * Type stripping keeps every offset, so V8's ranges of a child process fit the source text as it stands.
 * A place counts as covered when any process ran it. Lines and branches must each lie above the floor, in per cent.
 */
const floor = 97.3
const childFolder = '.cache/child-coverage'
const root = process.cwd()

interface Place {
  start: { line: number; column: number }
  end: { line: number | null; column: number | null }
}
interface FileCoverage {
  path: string
  statementMap: Record<string, Place>
  s: Record<string, number>
  branchMap: Record<string, { locations: Place[] }>
  b: Record<string, number[]>
}
interface Range {
  startOffset: number
  endOffset: number
  count: number
}
interface RawCoverage {
  result: { url: string; functions: { isBlockCoverage: boolean; ranges: Range[] }[] }[]
}

rmSync('coverage', { recursive: true, force: true })
rmSync(childFolder, { recursive: true, force: true })
mkdirSync(childFolder, { recursive: true })
const run = spawnSync(
  'vitest',
  [
    'run',
    '--coverage',
    '--reporter=default',
    '--reporter=./tooling/closing-line-reporter.ts',
    '--reporter=json',
    '--outputFile=.cache/test-results.json',
  ],
  { stdio: 'inherit', env: { ...process.env, CHILD_COVERAGE: join(root, childFolder) } },
)

interface TestResults {
  testResults: {
    name: string
    status: string
    message: string
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[]
  }[]
}

/** What failed and why, in a few lines each: said again at the end, since a long log is read from there. */
function failedTests(): string[] {
  const { testResults } = JSON.parse(readFileSync('.cache/test-results.json', 'utf8')) as TestResults
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed')
    const why = failed.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join(' ')}`)
    if (status === 'failed' && failed.length === 0) why.push(message)
    return why.map((text) => `${relative(root, name)} ${text.split('\n').slice(0, 6).join('\n  ')}`)
  })
}

/** For each source file: whether a child process ran the character at an offset, by the innermost range around it. */
function childRuns(): Map<string, (offset: number) => boolean> {
  const ranges = new Map<string, Range[][]>()
  for (const file of readdirSync(childFolder)) {
    const { result } = JSON.parse(readFileSync(join(childFolder, file), 'utf8')) as RawCoverage
    for (const script of result) {
      if (!script.url.startsWith('file:')) continue
      const path = fileURLToPath(script.url)
      if (!path.startsWith(join(root, 'src'))) continue
      const all = script.functions.flatMap((part) => part.ranges)
      ranges.set(path, [...(ranges.get(path) ?? []), all])
    }
  }
  return new Map(
    [...ranges].map(([path, processes]) => [
      path,
      (offset: number) =>
        processes.some((all) => {
          let innermost: Range | undefined
          for (const range of all) {
            if (range.startOffset > offset || range.endOffset <= offset) continue
            if (
              innermost === undefined ||
              range.endOffset - range.startOffset <= innermost.endOffset - innermost.startOffset
            ) {
              innermost = range
            }
          }
          return innermost !== undefined && innermost.count > 0
        }),
    ]),
  )
}

const coverage = JSON.parse(readFileSync('coverage/coverage-final.json', 'utf8')) as Record<string, FileCoverage>
const ran = childRuns()
const totals = { lines: 0, linesCovered: 0, branches: 0, branchesCovered: 0 }
const rows: { file: string; lines: number; branches: number; missing: string }[] = []

for (const file of Object.values(coverage)) {
  const source = readFileSync(file.path, 'utf8')
  stripTypeScriptTypes(source) // throws when a file could not have run unchanged in a child process
  const starts = [0]
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1)
  const inChild = ran.get(file.path)
  const covered = (place: Place, count: number): boolean =>
    count > 0 || (inChild?.((starts[place.start.line - 1] ?? 0) + place.start.column) ?? false)
  const lines = new Map<number, boolean>()
  for (const [id, place] of Object.entries(file.statementMap)) {
    const line = place.start.line
    lines.set(line, (lines.get(line) ?? false) || covered(place, file.s[id]!))
  }
  let branches = 0
  let branchesCovered = 0
  const missing: number[] = [...lines].filter(([, hit]) => !hit).map(([line]) => line)
  for (const [id, branch] of Object.entries(file.branchMap)) {
    branch.locations.forEach((place, index) => {
      branches += 1
      if (place.start?.line === undefined || covered(place, file.b[id]![index]!)) branchesCovered += 1
      else missing.push(place.start.line)
    })
  }
  const linesCovered = [...lines.values()].filter(Boolean).length
  totals.lines += lines.size
  totals.linesCovered += linesCovered
  totals.branches += branches
  totals.branchesCovered += branchesCovered
  rows.push({
    file: relative(root, file.path),
    lines: lines.size === 0 ? 100 : (100 * linesCovered) / lines.size,
    branches: branches === 0 ? 100 : (100 * branchesCovered) / branches,
    missing: [...new Set(missing)].sort((a, b) => a - b).join(' '),
  })
}

for (const row of rows.sort((a, b) => a.lines + a.branches - b.lines - b.branches)) {
  if (row.missing === '') continue
  console.log(
    `${row.lines.toFixed(1).padStart(6)} ${row.branches.toFixed(1).padStart(6)}  ${row.file}  ${row.missing.slice(0, 120)}`,
  )
}
const lineShare = (100 * totals.linesCovered) / totals.lines
const branchShare = (100 * totals.branchesCovered) / totals.branches
console.log(
  `coverage: ${lineShare.toFixed(2)} % of ${totals.lines} lines, ${branchShare.toFixed(2)} % of ${totals.branches} branches (floor ${floor} % of both)`,
)
for (const failure of failedTests()) console.log(`failed: ${failure}`)
process.exitCode = run.status === 0 && lineShare > floor && branchShare > floor ? 0 : 1
