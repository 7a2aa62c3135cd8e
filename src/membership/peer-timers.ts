import type { Clock, Timer } from '../core/clock.ts'
import type { ContextId } from '../core/ids.ts'

/** One timer a peer. */
export class PeerTimers {
  readonly #clock: Clock
  readonly #timers = new Map<ContextId, Timer>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs after `ms`, in place of what was to run for this peer before. */
  set(peer: ContextId, ms: number, run: () => void): void {
    this.cancel(peer)
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(peer)
      run()
    })
    this.#timers.set(peer, timer)
  }

  cancel(peer: ContextId): void {
    this.#timers.get(peer)?.cancel()
    this.#timers.delete(peer)
  }

  clear(): void {
    for (const peer of [...this.#timers.keys()]) this.cancel(peer)
  }
}
