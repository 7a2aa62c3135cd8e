import type { Clock } from './clock.ts'

/**
 * Whether the work ended before the clock's `monotonic()` read `by`; rejects as the work does. Work that did not goes on:
 * whoever asks breaks it off, or names it.
 */
export function endedBy(clock: Clock, by: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer =
      by === Number.POSITIVE_INFINITY ? undefined : clock.after(by - clock.monotonic(), () => resolve(false))
    work.then(
      () => {
        timer?.cancel()
        resolve(true)
      },
      (reason: unknown) => {
        timer?.cancel()
        reject(reason)
      },
    )
  })
}
