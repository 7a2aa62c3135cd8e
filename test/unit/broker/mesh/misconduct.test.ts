import { expect, test } from 'vitest'
import { Misconduct } from '../../../../src/broker/mesh/misconduct.ts'
import { Counters } from '../../../../src/core/counters.ts'
import { silentLogger } from '../../../../src/core/logger.ts'
import { nodeCrypto } from '../../../../src/core/node-crypto.ts'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'

test('forgives now and then, cuts off who goes on, logs a few lines and remembers a bounded number of peers', async () => {
  const clock = new VirtualClock()
  const lines: unknown[] = []
  const logger = { ...silentLogger, warn: (fields: unknown) => lines.push(fields) }
  const ports = { clock, random: new SeededRandom(1), crypto: nodeCrypto(), logger, counters: new Counters() }
  const expelled: string[] = []
  const misconduct = new Misconduct(ports, async (peer) => {
    expelled.push(peer)
    throw new Error('stuck')
  })
  for (let at = 0; at < 64; at += 1) misconduct.seen('villain', 'envelope')
  expect(expelled).toEqual([])
  await clock.advance(1_000)
  misconduct.seen('villain', 'envelope')
  misconduct.seen('villain', 'envelope')
  expect(expelled).toEqual(['villain'])
  expect(lines).toHaveLength(21)
  await Promise.resolve()
  expect(ports.counters.get('broker.cut-off-failed')).toBe(1)
  for (let at = 0; at < 2_000; at += 1) misconduct.seen(`peer ${at}`, 'size')
  expect(expelled).toEqual(['villain'])
  misconduct.seen('villain', 'envelope')
  expect(expelled).toEqual(['villain'])
})
