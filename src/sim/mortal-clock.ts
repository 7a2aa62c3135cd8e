import type { Clock, Timer } from '../core/clock.ts'

/** One process's view of a clock: when the process dies, nothing that it waits for happens any more. */
export class MortalClock implements Clock {
  readonly #clock: Clock
  #isDead = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  die(): void {
    this.#isDead = true
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  after(ms: number, run: () => void): Timer {
    return this.#clock.after(ms, () => {
      if (!this.#isDead) run()
    })
  }

  endOfTurn(run: () => void): void {
    this.#clock.endOfTurn(() => {
      if (!this.#isDead) run()
    })
  }

  endOfTask(run: () => void): void {
    this.#clock.endOfTask(() => {
      if (!this.#isDead) run()
    })
  }
}
