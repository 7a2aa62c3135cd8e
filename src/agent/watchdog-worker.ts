import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { ErrorCode } from '../core/errors.ts'
import { messageOf, readReport } from './block-report.ts'

/** The second thread of `ThreadWatchdog`: it only reads shared memory, on its own time. */
const { memory, limit } = workerData as { memory: SharedArrayBuffer; limit: number }
/** Looks in a row without a heartbeat that make a blocked thread; four looks are one limit. */
const LOOKS = 4
const CODE: ErrorCode = 'ERR_AGENT_BLOCKS'

const words = new Int32Array(memory, 0, 2)
// A word that nobody notifies: waiting for it is how a thread sleeps without an event loop.
const alarm = new Int32Array(new SharedArrayBuffer(4))

function report(): void {
  const found = readReport(memory)
  const line = { level: 'error', code: CODE, ...found, limit, message: messageOf(found) }
  writeSync(2, `${JSON.stringify(line)}\n`)
  parentPort?.postMessage(found)
}

parentPort?.postMessage('ready')
let beat = Atomics.load(words, 0)
let still = 0
for (;;) {
  Atomics.wait(alarm, 0, 0, limit / LOOKS)
  const now = Atomics.load(words, 0)
  still = now === beat ? still + 1 : 0
  beat = now
  // Two more looks than the limit needs: the heartbeat itself comes only every fourth of it. Said once a stand-still.
  if (still === LOOKS + 2) report()
}
