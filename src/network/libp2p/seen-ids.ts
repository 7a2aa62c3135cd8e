import type { Clock } from '../../core/clock.ts'

/** Ids of a generation: two of them are some 20 MB. */
const GENERATION = 131_072
/** ms. */
const LIFETIME = 60_000

/**
 * Ids of messages that have come, for one to two minutes, and no more than so many: gossipsub's own keeps all of two
 * minutes, and somebody who sends tiny messages fills the memory with them. A repetition comes within seconds, and whoever
 * judges the frames knows a late one by itself.
 */
export class SeenIds {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #generation: number
  #young = new Set<string>()
  #old = new Set<string>()
  #since: number

  /** @param generation ids after which the older ones are forgotten: between this and twice as many are known */
  constructor(clock: Pick<Clock, 'monotonic'>, generation: number = GENERATION) {
    this.#clock = clock
    this.#generation = generation
    this.#since = clock.monotonic()
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  has(id: string): boolean {
    return this.#young.has(id) || this.#old.has(id)
  }

  /** Whether it was there before. */
  put(id: string): boolean {
    if (this.has(id)) return true
    this.#young.add(id)
    if (this.#young.size >= this.#generation) this.#age()
    return false
  }

  /** Called by gossipsub's heartbeat. */
  prune(): void {
    if (this.#clock.monotonic() - this.#since >= LIFETIME) this.#age()
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  #age(): void {
    this.#old = this.#young
    this.#young = new Set()
    this.#since = this.#clock.monotonic()
  }
}
