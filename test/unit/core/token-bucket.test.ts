import { expect, test } from 'vitest'
import { TokenBucket } from '../../../src/core/token-bucket.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'

test('a token bucket gives the burst at once, then the rate, and all or nothing', async () => {
  const clock = new VirtualClock()
  const bucket = new TokenBucket(clock, 10, 5)
  expect([bucket.take(4), bucket.take(2), bucket.take(), bucket.take()]).toEqual([true, false, true, false])
  await clock.advance(200)
  expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, false])
  await clock.advance(60_000)
  expect([bucket.take(5), bucket.take()]).toEqual([true, false])
})
