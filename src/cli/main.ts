#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { CommanderError } from 'commander'
import { systemPorts } from '../core/default-ports.ts'
import { AmcpError } from '../core/errors.ts'
import { exitCodeOf } from './exit-codes.ts'
import { describeFault } from './output.ts'
import { createProgram } from './program.ts'

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stopped.abort(new AmcpError('ERR_STOPPED', `stopped by ${signal}`)))
}
// `amcp tap | head` closes our output: that is a wish to stop, not a fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  stopped.abort(error)
})

const json = process.argv.includes('--json')
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const program = createProgram({
  version,
  json,
  ports: systemPorts(),
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  input: { [Symbol.asyncIterator]: () => createInterface({ input: process.stdin })[Symbol.asyncIterator]() },
  stopped: stopped.signal,
})

try {
  await program.parseAsync()
} catch (error) {
  // Commander has told its own faults already.
  if (!(error instanceof CommanderError)) process.stderr.write(`${describeFault(error, json)}\n`)
  process.exitCode = exitCodeOf(error, stopped.signal.aborted)
}
// What agents left behind, such as a timer of their own, must not keep a process whose work is done. After the last word is out.
process.stdout.write('', () => process.exit())
