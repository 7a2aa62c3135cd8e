import { expect, test } from 'vitest'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { SeenIds } from '../../../../src/network/libp2p/seen-ids.ts'

test('knows what has come, once', () => {
  const seen = new SeenIds(new VirtualClock())
  expect(seen.put('a')).toBe(false)
  expect(seen.put('a')).toBe(true)
  expect([seen.has('a'), seen.has('b'), seen.size]).toEqual([true, false, 1])
  seen.clear()
  expect([seen.has('a'), seen.size]).toEqual([false, 0])
})

test('holds no more than two generations, the latest', () => {
  const seen = new SeenIds(new VirtualClock(), 100)
  for (let at = 0; at < 1_050; at++) seen.put(`${at}`)
  expect(seen.size).toBeLessThan(200)
  expect([seen.has('1049'), seen.has('950'), seen.has('849')]).toEqual([true, true, false])
})

test('forgets after one to two minutes', async () => {
  const clock = new VirtualClock()
  const seen = new SeenIds(clock)
  seen.put('a')
  await clock.advance(59_000)
  seen.prune()
  await clock.advance(1_000)
  seen.prune()
  seen.put('b')
  expect([seen.has('a'), seen.has('b')]).toEqual([true, true])
  await clock.advance(60_000)
  seen.prune()
  expect([seen.has('a'), seen.has('b')]).toEqual([false, true])
})
