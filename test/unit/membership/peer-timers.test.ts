import { expect, test } from 'vitest'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { PeerTimers } from '../../../src/membership/peer-timers.ts'

function setup() {
  const clock = new VirtualClock()
  const ran: string[] = []
  const timers = new PeerTimers(clock)
  const set = (peer: string, ms: number, what = peer): void => timers.set(peer, ms, () => ran.push(what))
  return { clock, ran, timers, set }
}

test('a timer runs once for its peer; a later one takes its place', async () => {
  const { clock, ran, set } = setup()
  set('a', 10, 'never')
  set('b', 20)
  set('a', 30)
  await clock.advance(29)
  expect(ran).toEqual(['b'])
  await clock.advance(100)
  expect(ran).toEqual(['b', 'a'])
})

test('a peer’s timer that is cancelled leaves those of others, and nothing behind', async () => {
  const { clock, ran, timers, set } = setup()
  set('a', 10)
  set('b', 10)
  timers.cancel('a')
  timers.cancel('nobody')
  expect(clock.pending).toBe(1)
  await clock.advance(10)
  expect(ran).toEqual(['b'])
  set('a', 10)
  set('b', 10)
  timers.clear()
  expect(clock.pending).toBe(0)
})

test('a timer may set the next one for its peer, which can be cancelled as well', async () => {
  const { clock, ran, timers, set } = setup()
  timers.set('a', 10, () => set('a', 10, 'next'))
  await clock.advance(10)
  expect(clock.pending).toBe(1)
  timers.cancel('a')
  await clock.advance(20)
  expect([ran, clock.pending]).toEqual([[], 0])
})
