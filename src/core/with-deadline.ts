import type { Clock } from './clock.ts'

export interface DeadlineOptions {
  /** Rejects with its reason when aborted. */
  signal?: AbortSignal | undefined
}

/**
 * For work that cannot be stopped: its outcome, or a rejection with `late()` when it takes longer than `ms`, while the
 * work itself goes on. Work that minds a signal is given one by `deadline`.
 */
export function withDeadline<T>(
  clock: Clock,
  ms: number,
  work: Promise<T>,
  late: () => Error,
  { signal }: DeadlineOptions = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const done = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', aborted)
    }
    const timer = clock.after(ms, () => {
      done()
      reject(late())
    })
    // Before the signal is looked at: a rejection that nobody handles would end the process.
    work.then(
      (value) => {
        done()
        resolve(value)
      },
      (reason: unknown) => {
        done()
        reject(reason)
      },
    )
    if (signal?.aborted) aborted()
    else signal?.addEventListener('abort', aborted, { once: true })
  })
}
