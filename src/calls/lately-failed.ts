import type { Clock } from '../core/clock.ts'

/** Contexts or agents remembered; above it the one marked longest ago is forgotten. */
const LIMIT = 4_096

/**
 * Contexts and agents that failed a moment ago: calls go to others first. A mark fades by itself, because a link may also
 * end while the context behind it lives on, and nobody tells when it can be reached again. Longer marks spare more calls
 * the attempt at a context that is dead; shorter ones give load back sooner to one that was only busy or out of reach.
 */
export class LatelyFailed {
  readonly #clock: Clock
  readonly #duration: number
  /** Until when, by name. */
  readonly #marks = new Map<string, number>()

  /** @param duration ms that a mark lasts */
  constructor(clock: Clock, duration: number) {
    this.#clock = clock
    this.#duration = duration
  }

  add(name: string): void {
    this.#marks.delete(name)
    this.#marks.set(name, this.#clock.monotonic() + this.#duration)
    if (this.#marks.size > LIMIT) this.#marks.delete(this.#marks.keys().next().value!)
  }

  delete(name: string): void {
    this.#marks.delete(name)
  }

  has(name: string): boolean {
    if (this.#marks.size === 0) return false
    const until = this.#marks.get(name)
    if (until === undefined) return false
    if (this.#clock.monotonic() < until) return true
    this.#marks.delete(name)
    return false
  }
}
