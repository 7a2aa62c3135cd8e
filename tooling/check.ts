import { spawnSync } from 'node:child_process'

/** Runs every static and structural check, all of them even after a failure, and ends with a table of what held. */
const checks: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['lint, layers, cycles, format', 'biome', 'check', '--error-on-warnings'],
  ['build', 'tsc', '-p', 'tsconfig.build.json'],
  ['unused code', 'knip', '--no-progress'],
  ['package shape', 'publint', '--strict'],
  ['coverage floor', 'node', 'tooling/coverage.ts'],
  // Reads the results that the coverage run left.
  ['requirements', 'node', 'tooling/requirements.ts', '--gate'],
]

let failed = 0
const rows: string[] = []
for (const [name, command, ...args] of checks) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) failed += 1
  rows.push(`${status === 0 ? 'ok    ' : 'FAILED'}  ${name}`)
}
console.log(`\n${rows.join('\n')}`)
process.exitCode = failed === 0 ? 0 : 1
