import type { Clock } from './clock.ts'

/** A rate that may be exceeded for a moment: `perSecond` on average, `burst` at once. */
export class TokenBucket {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #perMs: number
  readonly #burst: number
  #left: number
  #at: number

  constructor(clock: Pick<Clock, 'monotonic'>, perSecond: number, burst: number) {
    this.#clock = clock
    this.#perMs = perSecond / 1_000
    this.#burst = burst
    this.#left = burst
    this.#at = clock.monotonic()
  }

  /** Takes `count`, or nothing and says false. */
  take(count = 1): boolean {
    const now = this.#clock.monotonic()
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#left < count) return false
    this.#left -= count
    return true
  }
}
