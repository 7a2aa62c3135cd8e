import { expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { closeBy } from '../../../src/network/close-by.ts'

const ended = (close: () => Promise<void>) => {
  const parts = { clock: new VirtualClock(), counters: new Counters() }
  const aborted: Error[] = []
  const closing = closeBy(parts, 100, { close, abort: (reason) => void aborted.push(reason) })
  return { ...parts, aborted, closing }
}

test('a stream that closes is left alone', async () => {
  const { clock, counters, aborted, closing } = ended(async () => {})
  await closing
  await clock.advance(200)
  expect([aborted, counters.snapshot(), clock.pending]).toEqual([[], {}, 0])
})

test('one that does not is broken off at the deadline, and counted', async () => {
  const { clock, counters, aborted, closing } = ended(() => new Promise(() => {}))
  await clock.advance(99)
  expect(aborted).toEqual([])
  await clock.advance(1)
  await closing
  expect(aborted).toMatchObject([{ code: 'ERR_STREAM_CLOSED' }])
  expect(counters.get('network.streams.broken-off')).toBe(1)
})
