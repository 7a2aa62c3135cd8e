import { describe, expect, test } from 'vitest'
import { drain } from '../../src/context-drain.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'

describe('draining', () => {
  test('ends when nothing is under way, and looks no more then', async () => {
    const clock = new VirtualClock()
    let isIdle = false
    const drained = drain(clock, 1_000, () => isIdle)
    await clock.advance(55)
    isIdle = true
    await clock.advance(10)
    expect(await drained).toBe(true)
    expect([clock.monotonic(), clock.pending]).toEqual([65, 0])
  })

  test('ends at its limit, whatever goes on, and says so', async () => {
    const clock = new VirtualClock()
    expect(await clock.runFor(drain(clock, 100, () => false))).toBe(false)
    expect([clock.monotonic(), clock.pending]).toEqual([100, 0])
  })
})
