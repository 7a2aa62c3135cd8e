import { expect, test } from 'vitest'
import { endedBy } from '../../../src/core/ended-by.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'

test('says whether the work ended in time, and leaves no timer behind', async () => {
  const clock = new VirtualClock()
  const work = Promise.withResolvers<string>()
  const inTime = endedBy(clock, 100, work.promise)
  const tooLate = endedBy(clock, 50, work.promise)
  await clock.advance(60)
  work.resolve('done')
  expect([await inTime, await tooLate, clock.pending]).toEqual([true, false, 0])
})

test('rejects as the work does, but not after it has said that it was late', async () => {
  const clock = new VirtualClock()
  const work = Promise.withResolvers<void>()
  const late = endedBy(clock, 0, work.promise)
  await clock.advance(0)
  expect(await late).toBe(false)
  const failing = expect(endedBy(clock, 100, work.promise)).rejects.toThrow('broken')
  work.reject(new Error('broken'))
  await failing
  expect(clock.pending).toBe(0)
})

test('waits as long as it takes without a limit', async () => {
  const clock = new VirtualClock()
  const work = Promise.withResolvers<void>()
  const ended = endedBy(clock, Number.POSITIVE_INFINITY, work.promise)
  expect(clock.pending).toBe(0)
  work.resolve()
  expect(await ended).toBe(true)
})
