import type { Clock } from './core/clock.ts'

/** How often is looked, in ms: a stop is late by at most this much. */
const PERIOD = 10

/** Resolves when nothing is under way any more, or after `limit` ms. */
export function drain(clock: Clock, limit: number, isIdle: () => boolean): Promise<void> {
  const end = clock.monotonic() + limit
  return new Promise((resolve) => {
    const look = (): void => {
      if (isIdle() || clock.monotonic() >= end) resolve()
      else clock.after(PERIOD, look)
    }
    look()
  })
}
