import type { Clock } from './clock.ts'
import type { DeadlineOptions } from './with-deadline.ts'

/** A limit of time for work that minds a signal. Disposing of it releases its timer and listener. */
export interface Deadline extends Disposable {
  /** Aborts with a TimeoutError when the time is up, or with the caller's reason when its signal does. */
  readonly signal: AbortSignal
  /** Whether the time is up: the caller's own abort is not meant. */
  readonly isOver: boolean
}

/**
 * For work that stops when it is told to: `using limit = deadline(clock, ms)` around it. A black-holed link never says
 * no itself. `withDeadline` is for work that takes no signal, or whose caller must go on even if the work does not mind it.
 */
export function deadline(clock: Clock, ms: number, { signal }: DeadlineOptions = {}): Deadline {
  const controller = new AbortController()
  let isOver = false
  const onAbort = (): void => controller.abort(signal?.reason)
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  const timer = clock.after(ms, () => {
    isOver = true
    controller.abort(new DOMException(`not done within ${ms} ms`, 'TimeoutError'))
  })
  return {
    signal: controller.signal,
    get isOver() {
      return isOver
    },
    [Symbol.dispose]() {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    },
  }
}
