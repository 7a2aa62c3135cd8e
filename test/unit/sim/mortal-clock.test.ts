import { expect, test } from 'vitest'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { MortalClock } from '../../../src/sim/mortal-clock.ts'

test('a mortal clock shows the time of the clock behind it and runs what waits', async () => {
  const clock = new VirtualClock({ start: 1_000 })
  const mortal = new MortalClock(clock)
  const ran: string[] = []
  mortal.after(5, () => ran.push('timer'))
  mortal.endOfTurn(() => ran.push('turn'))
  mortal.endOfTask(() => ran.push('task'))
  mortal.after(6, () => ran.push('cancelled')).cancel()
  await clock.advance(10)
  expect(ran).toEqual(['task', 'turn', 'timer'])
  expect(mortal.now()).toBe(1_010)
  expect(mortal.monotonic()).toBe(clock.monotonic())
})

test('a mortal clock runs nothing once it has died', async () => {
  const clock = new VirtualClock()
  const mortal = new MortalClock(clock)
  const ran: string[] = []
  mortal.after(5, () => ran.push('timer'))
  mortal.endOfTurn(() => ran.push('turn'))
  mortal.endOfTask(() => ran.push('task'))
  mortal.die()
  mortal.after(1, () => ran.push('late timer'))
  await clock.advance(10)
  expect(ran).toEqual([])
})
