import type { Clock } from '../../core/clock.ts'

/** A signal for libp2p that aborts when the time is up or the caller's signal does. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Whether the time is up: the caller's own abort is not meant. */
  readonly isOver: boolean
  /** Releases timer and listener; to be called in `finally`. */
  clear(): void
}

export function deadline(clock: Clock, ms: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  let isOver = false
  const onAbort = (): void => controller.abort(outer?.reason)
  if (outer?.aborted === true) onAbort()
  outer?.addEventListener('abort', onAbort, { once: true })
  const timer = clock.after(ms, () => {
    isOver = true
    controller.abort(new DOMException(`not done within ${ms} ms`, 'TimeoutError'))
  })
  return {
    signal: controller.signal,
    get isOver() {
      return isOver
    },
    clear() {
      timer.cancel()
      outer?.removeEventListener('abort', onAbort)
    },
  }
}
