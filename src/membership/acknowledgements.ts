import type { Clock, Timer } from '../core/clock.ts'
import type { ContextId } from '../core/ids.ts'

interface Waiter {
  readonly version: number
  readonly resolve: () => void
  readonly timer: Timer
}

/** Which members have acknowledged which version of the own entry, and who waits for that. */
export class Acknowledgements {
  readonly #clock: Clock
  readonly #patience: number
  readonly #required: () => readonly ContextId[]
  readonly #acked = new Map<ContextId, number>()
  #waiters: Waiter[] = []

  /**
   * @param patience ms after which a waiter is let go
   * @param required the members whose acknowledgement counts now: those that leave are waited for no longer
   */
  constructor(clock: Clock, patience: number, required: () => readonly ContextId[]) {
    this.#clock = clock
    this.#patience = patience
    this.#required = required
  }

  acknowledged(by: ContextId, version: number): void {
    if ((this.#acked.get(by) ?? -1) >= version) return
    this.#acked.set(by, version)
    this.settle()
  }

  /** Required members that have not acknowledged this version or a later one. */
  missing(version: number): ContextId[] {
    return this.#required().filter((context) => (this.#acked.get(context) ?? -1) < version)
  }

  /** Resolves when nobody is missing for this version, or when the patience is over. */
  wait(version: number): Promise<void> {
    if (this.missing(version).length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const waiter = { version, resolve, timer: this.#clock.after(this.#patience, () => this.#release(waiter)) }
      this.#waiters.push(waiter)
    })
  }

  /** To be called when the required members have changed. */
  settle(): void {
    if (this.#waiters.length === 0) return
    const confirmed = this.#confirmed()
    const waiters = this.#waiters
    this.#waiters = waiters.filter(({ version }) => version > confirmed)
    if (this.#waiters.length < waiters.length)
      for (const waiter of waiters) if (waiter.version <= confirmed) finish(waiter)
  }

  /** The latest version that nobody is missing for: looked for once an acknowledgement, however many wait. */
  #confirmed(): number {
    let confirmed = Number.POSITIVE_INFINITY
    for (const context of this.#required()) confirmed = Math.min(confirmed, this.#acked.get(context) ?? -1)
    return confirmed
  }

  forget(contexts: readonly ContextId[]): void {
    for (const context of contexts) this.#acked.delete(context)
  }

  stop(): void {
    for (const waiter of this.#waiters.splice(0)) finish(waiter)
  }

  #release(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter)
    finish(waiter)
  }
}

function finish({ timer, resolve }: Waiter): void {
  timer.cancel()
  resolve()
}
