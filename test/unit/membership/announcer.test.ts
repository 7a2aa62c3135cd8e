import { expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { Announcer } from '../../../src/membership/announcer.ts'
import { OwnEntry } from '../../../src/membership/own-entry.ts'
import type { StateEntry } from '../../../src/membership/state-entry.ts'
import { defaultTiming } from '../../../src/membership/timing.ts'
import { agentOf, crypto, idOf, wordCredentials } from './fake-mesh.ts'

/** An announcer that one member never acknowledges; `publish` may be made to throw. */
function setup() {
  const clock = new VirtualClock({ start: 1_000 })
  const counters = new Counters()
  const ports = { clock, random: new SeededRandom(1), crypto, logger: silentLogger, counters }
  const own = new OwnEntry(ports, wordCredentials(1), idOf(1), '5'.repeat(32))
  own.begin(0)
  const published: StateEntry[] = []
  const fault: { error?: Error } = {}
  const announcer = new Announcer({ ports, own }, defaultTiming, {
    required: () => ['silent'],
    addresses: () => ['/here'],
    publish: (entry) => {
      if (fault.error !== undefined) throw fault.error
      published.push(entry)
    },
  })
  return { clock, counters, own, announcer, published, fault }
}

test('a change that could not be told rejects, and is told with the next renewal', async () => {
  const { clock, announcer, published, fault } = setup()
  announcer.start()
  fault.error = new Error('no way out')
  const told = announcer.offers([{ agent: agentOf(1), capability: 'c', version: '1' }])
  const outcome = expect(told).rejects.toThrow('no way out')
  await clock.advance(0)
  await outcome
  delete fault.error
  announcer.renew()
  expect(published.at(-1)!.body.offers).toHaveLength(1)
  expect(published.at(-1)!.head.flags).toBe(1)
  announcer.stop()
})

test('a repetition that fails is counted, and the next one comes', async () => {
  const { clock, counters, announcer, published, fault } = setup()
  announcer.start()
  fault.error = new Error('no way out')
  await clock.advance(600)
  expect(counters.get('membership.announcement.failed')).toBe(1)
  delete fault.error
  await clock.advance(1_000)
  expect([published.length, counters.get('membership.announcement.repeated')]).toEqual([2, 2])
  announcer.stop()
})

test('what changes while nobody is running is told at the start', async () => {
  const { clock, announcer, published } = setup()
  const told = announcer.patterns(['a.>'])
  await clock.advance(0)
  expect(published).toEqual([])
  announcer.start()
  expect(published.map(({ body }) => body)).toEqual([{ addresses: ['/here'], patterns: ['a.>'], offers: [] }])
  announcer.stop()
  await told
})
