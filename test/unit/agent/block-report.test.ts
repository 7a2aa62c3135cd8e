import { expect, test } from 'vitest'
import { HEADER_BYTES, ID_LENGTH, messageOf, readReport } from '../../../src/agent/block-report.ts'

const SLOTS = 16
const id = (number: number): string => `00000000-0000-8000-8000-${String(number).padStart(12, '0')}`

/** @param running a slot, or -1 for nobody */
function memory(running: number, suspended: readonly number[]): SharedArrayBuffer {
  const made = new SharedArrayBuffer(HEADER_BYTES + SLOTS * (ID_LENGTH + 1))
  new Int32Array(made, 0, 2)[1] = running + 1
  const ids = new Uint8Array(made, HEADER_BYTES, SLOTS * ID_LENGTH)
  for (let slot = 0; slot < SLOTS; slot++) ids.set(new TextEncoder().encode(id(slot)), slot * ID_LENGTH)
  const flags = new Uint8Array(made, HEADER_BYTES + SLOTS * ID_LENGTH)
  for (const slot of suspended) flags[slot] = 1
  return made
}

test('AG-3 who runs is the one that blocks, whoever else has a handler under way', () => {
  const report = readReport(memory(3, [1, 2]))
  expect(report).toEqual({ agent: id(3), suspects: [] })
  expect(messageOf(report)).toBe(`agent ${id(3)} blocks the event loop`)
})

test('AG-3 when nobody runs, those are suspected whose handlers are under way, eight at most', () => {
  const report = readReport(memory(-1, [0, 15]))
  expect(report).toEqual({ agent: null, suspects: [id(0), id(15)] })
  expect(messageOf(report)).toBe(`the event loop is blocked, perhaps after an await of ${id(0)} or ${id(15)}`)
  expect(
    readReport(
      memory(
        -1,
        Array.from({ length: SLOTS }, (_, slot) => slot),
      ),
    ).suspects,
  ).toHaveLength(8)
})

test('nobody is accused when no agent has anything under way', () => {
  const report = readReport(memory(-1, []))
  expect(report).toEqual({ agent: null, suspects: [] })
  expect(messageOf(report)).toBe('the event loop is blocked')
})
