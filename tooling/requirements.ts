import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { requirements } from '../test/requirements.ts'

/** Where `vitest run --reporter=json` leaves its results; the coverage run writes it as well. */
const resultsFile = '.cache/test-results.json'

interface Results {
  testResults: { assertionResults: { fullName: string; status: string }[] }[]
}

const json = process.argv.includes('--json')
const gate = process.argv.includes('--gate')

// The gate stands behind the coverage run, in `check`, and judges its results; alone, the tests are run anew.
if (!gate || !existsSync(resultsFile)) {
  rmSync(resultsFile, { force: true })
  const { status } = spawnSync('vitest', ['run', '--reporter=json', `--outputFile=${resultsFile}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) console.error('the test run failed; what passed is counted')
}
const ranAt = statSync(resultsFile).mtime.toISOString()
const results = JSON.parse(readFileSync(resultsFile, 'utf8')) as Results
const tests = results.testResults.flatMap((file) => file.assertionResults)

const rows = requirements.map(({ id, must, state }) => {
  const cites = new RegExp(`\\b${id}\\b`)
  const citing = tests.filter(({ fullName }) => cites.test(fullName))
  return {
    id,
    must,
    state,
    tests: citing.map(({ fullName }) => fullName),
    shown: citing.length > 0 && citing.every(({ status }) => status === 'passed'),
  }
})

if (json) {
  for (const { id, state, tests: citing } of rows) console.log(JSON.stringify({ id, state, tests: citing }))
} else if (gate) {
  const count = (wanted: string): number => rows.filter(({ state }) => state === wanted).length
  console.log(`${count('done')} requirements done, ${count('planned')} planned, by the test run of ${ranAt}`)
} else {
  for (const { id, must, state, tests: citing } of rows) {
    console.log(`${id.padEnd(6)} ${state.padEnd(8)} ${String(citing.length).padStart(3)} tests  ${must}`)
  }
}
if (gate) {
  const unshown = rows.filter(({ state, shown }) => state === 'done' && !shown)
  for (const { id, must } of unshown) console.error(`${id} is marked done without a passing test: ${must}`)
  process.exitCode = unshown.length === 0 ? 0 : 1
}
