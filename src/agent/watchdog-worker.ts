import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { AgentId } from '../core/ids.ts'
import type { BlockReport } from './watch.ts'

/** The second thread of `ThreadWatchdog`: it only reads shared memory, on its own time. */
const { memory, limit } = workerData as { memory: SharedArrayBuffer; limit: number }
const HEADER_BYTES = 8
const ID_LENGTH = 36
/** Looks in a row without a heartbeat that make a blocked thread; four looks are one limit. */
const LOOKS = 4
/** Suspects that are named at most. */
const MAX_SUSPECTS = 8

const words = new Int32Array(memory, 0, 2)
const slots = (memory.byteLength - HEADER_BYTES) / (ID_LENGTH + 1)
const ids = new Uint8Array(memory, HEADER_BYTES, slots * ID_LENGTH)
const suspended = new Uint8Array(memory, HEADER_BYTES + slots * ID_LENGTH)
// A word that nobody notifies: waiting for it is how a thread sleeps without an event loop.
const alarm = new Int32Array(new SharedArrayBuffer(4))

function idOf(slot: number): AgentId {
  return new TextDecoder().decode(ids.slice(slot * ID_LENGTH, (slot + 1) * ID_LENGTH))
}

function look(): BlockReport {
  const running = Atomics.load(words, 1) - 1
  if (running >= 0) return { agent: idOf(running), suspects: [] }
  const suspects: AgentId[] = []
  for (let slot = 0; slot < slots && suspects.length < MAX_SUSPECTS; slot++) {
    if (suspended[slot] === 1) suspects.push(idOf(slot))
  }
  return { agent: null, suspects }
}

function messageOf({ agent, suspects }: BlockReport): string {
  if (agent !== null) return `agent ${agent} blocks the event loop`
  if (suspects.length === 0) return 'the event loop is blocked'
  return `the event loop is blocked, perhaps after an await of ${suspects.join(' or ')}`
}

function report(): void {
  const found = look()
  const line = { level: 'error', code: 'ERR_AGENT_BLOCKS', ...found, limit, message: messageOf(found) }
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
