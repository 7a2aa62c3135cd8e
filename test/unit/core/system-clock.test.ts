import { expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/core/system-clock.ts'

test('the system clock waits in pieces for longer than a timer of the platform can', () => {
  vi.useFakeTimers()
  try {
    let ran = false
    systemClock().after(2 ** 31 + 10, () => {
      ran = true
    })
    vi.advanceTimersByTime(2 ** 31 + 9)
    expect(ran).toBe(false)
    vi.advanceTimersByTime(1)
    expect(ran).toBe(true)
  } finally {
    vi.useRealTimers()
  }
})
