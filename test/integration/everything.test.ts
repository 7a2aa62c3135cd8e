import { describe, expect, test } from 'vitest'
import { openRow } from '../bench/harness/everything.ts'

const ROUND = 2_000
const ROUNDS = 4

interface Count {
  received: number
  untraced: number
  disorder: number
}

describe.each([
  ['direct', { lane: 'direct', signDirect: true }],
  ['gossip', { lane: 'gossip' }],
] as const)('with signatures, rights, schemas, causes and traces on, by the %s lane', (_, lanes) => {
  // CPU time, which other work on the machine does not lengthen. `npm run bench -- --only everything` has the rate itself.
  test('PF-1 a message costs a context less than the 100 µs of CPU that 10,000 a second leave, and none is lost', {
    timeout: 120_000,
  }, async () => {
    await using row = await openRow(lanes)
    const { publisher, relay, reader } = row
    let spent = 0
    for (let round = 0; round <= ROUNDS; round++) {
      const before = await relay.ask<NodeJS.CpuUsage>('cpu')
      const read = reader.ask('until', ROUND * (round + 1))
      await publisher.ask('publish', ROUND)
      await read
      const after = await relay.ask<NodeJS.CpuUsage>('cpu')
      // The first round warms the compilers up.
      if (round > 0) spent += after.user + after.system - before.user - before.system
    }
    const { received, untraced, disorder } = await reader.ask<Count>('count')
    expect({ received, untraced, disorder }).toEqual({ received: ROUND * (ROUNDS + 1), untraced: 0, disorder: 0 })
    // Each event is one message in and one out.
    expect(spent / (2 * ROUND * ROUNDS)).toBeLessThan(100)
  })
})
