import { expect, test } from 'vitest'
import { OfferAnnouncer } from '../../src/context-offers.ts'
import { Counters } from '../../src/core/counters.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../src/core/simulated-crypto.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'
import type { Members, Offer } from '../../src/membership/members.ts'

function setup() {
  const clock = new VirtualClock()
  const counters = new Counters()
  const ports = { clock, counters, logger: silentLogger, random: new SeededRandom(1), crypto: simulatedCrypto() }
  const offers: Offer[] = []
  const told: { offers: number; settle: PromiseWithResolvers<void> }[] = []
  const announceOffers = (latest: readonly Offer[]): Promise<void> => {
    const settle = Promise.withResolvers<void>()
    told.push({ offers: latest.length, settle })
    return settle.promise
  }
  const announcer = new OfferAnnouncer(ports, { announceOffers } as Partial<Members> as Members, () => offers)
  const offer = (capability: string): void => {
    offers.push({ agent: 'a', capability, version: '1.0.0' })
    announcer.changed()
  }
  return { clock, counters, told, announcer, offer }
}

test('whatever changes within a turn is announced once, at its end, as it is then', async () => {
  const { clock, told, offer } = setup()
  offer('x')
  offer('y')
  expect(told).toEqual([])
  await clock.advance(0)
  offer('z')
  await clock.advance(0)
  expect(told.map(({ offers }) => offers)).toEqual([2, 3])
})

test('announced waits also for what changes while it waits, and for nothing when nothing changed', async () => {
  const { clock, told, announcer, offer } = setup()
  await announcer.announced()
  offer('x')
  let isAnnounced = false
  const waiting = announcer.announced().then(() => {
    isAnnounced = true
  })
  await clock.advance(0)
  offer('y')
  await clock.advance(0)
  told[0]!.settle.resolve()
  await clock.advance(0)
  expect(isAnnounced).toBe(false)
  told[1]!.settle.resolve()
  await waiting
})

test('an announcement that fails is counted, rejects who waits, and does not keep the next from going out', async () => {
  const { clock, counters, told, announcer, offer } = setup()
  offer('x')
  const waiting = expect(announcer.announced()).rejects.toThrow('not now')
  await clock.advance(0)
  told[0]!.settle.reject(new Error('not now'))
  await waiting
  expect(counters.get('context.announcement-failed')).toBe(1)
  offer('y')
  await clock.advance(0)
  told[1]!.settle.resolve()
  await announcer.announced()
  expect(told).toHaveLength(2)
})
