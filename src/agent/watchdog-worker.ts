import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

/** The second thread of `ThreadWatchdog`: it only reads shared memory, on its own time. */
const { memory, limit } = workerData as { memory: SharedArrayBuffer; limit: number }
const HEADER_BYTES = 8
const ID_LENGTH = 36
/** Looks in a row without a heartbeat that make a blocked thread; four looks are one limit. */
const LOOKS = 4

const words = new Int32Array(memory, 0, 2)
const ids = new Uint8Array(memory, HEADER_BYTES)
// A word that nobody notifies: waiting for it is how a thread sleeps without an event loop.
const alarm = new Int32Array(new SharedArrayBuffer(4))

function running(): string {
  const slot = Atomics.load(words, 1) - 1
  if (slot < 0) return ''
  return new TextDecoder().decode(ids.slice(slot * ID_LENGTH, (slot + 1) * ID_LENGTH))
}

function report(agent: string): void {
  const message = agent === '' ? 'the event loop is blocked' : `agent ${agent} blocks the event loop`
  const line = { level: 'error', code: 'ERR_AGENT_BLOCKS', agent: agent === '' ? null : agent, limit, message }
  writeSync(2, `${JSON.stringify(line)}\n`)
  parentPort?.postMessage(agent)
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
  if (still === LOOKS + 2) report(running())
}
