/** Waits remembered per receiver; older ones are merged, which can only make the budget smaller. */
const MAX_REMEMBERED_WAITS = 32

export interface WaitBudgetOptions {
  /**
   * Longest time, in ms, that publishers may wait for one receiver within `windowMs`.
   * Higher smooths short pauses of a receiver; too high lets one slow receiver slow all others.
   * @default 1_000
   */
  maxWaitMs?: number
  /** @default 60_000 */
  windowMs?: number
}

/**
 * How long publishers may still wait for one receiver: at most 1 s in any 60 s. After that the receiver is slow and its
 * fire-and-forget events are dropped, so that nobody else slows down.
 */
export class WaitBudget {
  readonly #maxWaitMs: number
  readonly #windowMs: number
  readonly #waits: { from: number; to: number }[] = []
  #waitingSince: number | undefined

  constructor({ maxWaitMs = 1_000, windowMs = 60_000 }: WaitBudgetOptions = {}) {
    this.#maxWaitMs = maxWaitMs
    this.#windowMs = windowMs
  }

  get isWaiting(): boolean {
    return this.#waitingSince !== undefined
  }

  /** Several publishers waiting at once are one wait. */
  startWaiting(now: number): void {
    this.#waitingSince ??= now
  }

  stopWaiting(now: number): void {
    if (this.#waitingSince === undefined) return
    this.#waits.push({ from: this.#waitingSince, to: now })
    this.#waitingSince = undefined
    if (this.#waits.length > MAX_REMEMBERED_WAITS) {
      const [oldest, next] = this.#waits.splice(0, 2)
      const length = oldest!.to - oldest!.from + (next!.to - next!.from)
      this.#waits.unshift({ from: next!.to - length, to: next!.to })
    }
  }

  /** Ms that may still be waited; 0 when spent. */
  left(now: number): number {
    const since = now - this.#windowMs
    while (this.#waits.length > 0 && this.#waits[0]!.to <= since) this.#waits.shift()
    let waited = this.#waitingSince === undefined ? 0 : now - this.#waitingSince
    for (const wait of this.#waits) waited += wait.to - Math.max(wait.from, since)
    return Math.max(0, this.#maxWaitMs - waited)
  }
}
