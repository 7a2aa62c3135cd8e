#!/usr/bin/env node
import { createInterface } from 'node:readline'
import { CommanderError } from 'commander'
import { systemPorts } from '../core/default-ports.ts'
import { describeFault } from './output.ts'
import { createProgram } from './program.ts'

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)))
}
// `amcp tap | head` closes our output: that is a wish to stop, not a fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  stopped.abort(error)
})

const program = createProgram({
  ports: systemPorts(),
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  input: { [Symbol.asyncIterator]: () => createInterface({ input: process.stdin })[Symbol.asyncIterator]() },
  stopped: stopped.signal,
})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode
  else {
    process.stderr.write(`${describeFault(error, process.argv.includes('--json'))}\n`)
    process.exitCode = 1
  }
}
process.stdin.unref?.()
