import type { AgentId } from '../core/ids.ts'
import type { BlockReport } from './watch.ts'

/** Shared memory of the watchdog: heartbeat (4), running slot + 1 (4), ids of all slots, a byte each for "suspended". */
export const HEADER_BYTES = 8
/** A UUID in ASCII. */
export const ID_LENGTH = 36
/** Suspects that are named at most. */
const MAX_SUSPECTS = 8

/** Who keeps the thread to itself, as far as the memory tells. */
export function readReport(memory: SharedArrayBuffer): BlockReport {
  const slots = (memory.byteLength - HEADER_BYTES) / (ID_LENGTH + 1)
  const ids = new Uint8Array(memory, HEADER_BYTES, slots * ID_LENGTH)
  const suspended = new Uint8Array(memory, HEADER_BYTES + slots * ID_LENGTH)
  // Through a copy: a decoder may refuse to read shared memory.
  const idOf = (slot: number): AgentId => new TextDecoder().decode(ids.slice(slot * ID_LENGTH, (slot + 1) * ID_LENGTH))
  const running = Atomics.load(new Int32Array(memory, 0, 2), 1) - 1
  if (running >= 0) return { agent: idOf(running), suspects: [] }
  const suspects: AgentId[] = []
  for (let slot = 0; slot < slots && suspects.length < MAX_SUSPECTS; slot++) {
    if (suspended[slot] === 1) suspects.push(idOf(slot))
  }
  return { agent: null, suspects }
}

export function messageOf({ agent, suspects }: BlockReport): string {
  if (agent !== null) return `agent ${agent} blocks the event loop`
  if (suspects.length === 0) return 'the event loop is blocked'
  return `the event loop is blocked, perhaps after an await of ${suspects.join(' or ')}`
}
