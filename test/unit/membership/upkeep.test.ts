import { expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { Upkeep } from '../../../src/membership/upkeep.ts'
import { crypto } from './fake-mesh.ts'

test('an act that throws is counted and comes again, and the other one too', async () => {
  const clock = new VirtualClock()
  const counters = new Counters()
  const ports = { clock, random: new SeededRandom(1), crypto, logger: silentLogger, counters }
  let expired = 0
  const upkeep = new Upkeep(ports, 1_000, {
    renew: () => {
      throw new Error('no renewal')
    },
    expire: () => {
      expired += 1
    },
  })
  upkeep.start()
  await clock.advance(2_000)
  expect(counters.get('membership.upkeep.failed.renew')).toBe(2)
  expect([expired, counters.get('membership.upkeep.failed.expire')]).toEqual([8, 0])
  upkeep.stop()
  expect(clock.pending).toBe(0)
})
