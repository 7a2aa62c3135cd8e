import { expect, test } from 'vitest'
import { LatelyFailed } from '../../../src/calls/lately-failed.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'

test('a mark lasts its time from the last failure, unless it is taken away', async () => {
  const clock = new VirtualClock()
  const failed = new LatelyFailed(clock, 100)
  expect(failed.has('a')).toBe(false)
  failed.add('a')
  await clock.advance(60)
  failed.add('a')
  failed.add('b')
  await clock.advance(99)
  expect([failed.has('a'), failed.has('b'), failed.has('c')]).toEqual([true, true, false])
  failed.delete('b')
  expect(failed.has('b')).toBe(false)
  await clock.advance(1)
  expect(failed.has('a')).toBe(false)
  expect(failed.has('a')).toBe(false)
})

test('above its limit the mark set longest ago is forgotten', () => {
  const failed = new LatelyFailed(new VirtualClock(), 100)
  for (let at = 0; at < 4_096; at += 1) failed.add(`c${at}`)
  failed.add('c0')
  failed.add('one more')
  expect([failed.has('c0'), failed.has('c1'), failed.has('c2'), failed.has('one more')]).toEqual([
    true,
    false,
    true,
    true,
  ])
})
