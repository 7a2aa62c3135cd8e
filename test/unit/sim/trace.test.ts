import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { simulatedCrypto } from '../../../src/core/simulated-crypto.ts'
import { Trace } from '../../../src/sim/trace.ts'

const textOf = (trace: Trace): string => Buffer.concat(trace.chunks()).toString()

test('a trace has a line for each thing that happened, with its time and fields', () => {
  const trace = new Trace()
  trace.add(0, 'start')
  trace.add(1.5, 'event', 'a', 3)
  trace.add(2, 'note', 'two\nlines')
  expect(textOf(trace)).toBe('0.000 start\n1.500 event a 3\n2.000 note two\\nlines\n')
  expect(trace.lines).toBe(3)
})

test('the digest of a trace is that of its text, however long it is and whenever it was asked for', () => {
  const trace = new Trace()
  for (let at = 0; at < 20_000; at += 1) {
    trace.add(at / 8, 'event', `ü${at}`)
    if (at === 100) trace.chunks()
  }
  expect(trace.chunks().length).toBeGreaterThan(2)
  expect(trace.sha256(simulatedCrypto())).toBe(createHash('sha256').update(textOf(trace)).digest('hex'))
})

test('the digest of an empty trace is that of nothing', () => {
  expect(new Trace().sha256(simulatedCrypto())).toBe(createHash('sha256').digest('hex'))
})
