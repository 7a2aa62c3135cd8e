import type { Clock } from './core/clock.ts'

/** How often is looked, in ms: a stop is late by at most this much. */
const PERIOD = 10

/** Whether nothing is under way any more: true as soon as that is so, false when the clock's `monotonic()` has reached `by`. */
export function drain(clock: Clock, by: number, isIdle: () => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (isIdle()) resolve(true)
      else if (clock.monotonic() >= by) resolve(false)
      else clock.after(PERIOD, look)
    }
    look()
  })
}
