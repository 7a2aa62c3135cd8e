import type { Clock, Timer } from './clock.ts'
import { checkedDelay } from './delay.ts'
import { realTask, realTurn } from './system-turn.ts'
import { TimerHeap } from './timer-heap.ts'

export interface VirtualClockOptions {
  /** Wall time at the start, ms since 1970. @default 1_700_000_000_000 */
  start?: number
}

/**
 * Time that stands still until it is moved. Timers run by (time, order of creation). Between two timestamps one real
 * turn of the event loop passes, so that every chain of promises has settled before time goes on: the result depends
 * on nothing but the program. Functions given to `endOfTurn` run after those promises, at the same virtual time.
 */
export class VirtualClock implements Clock {
  readonly #timers = new TimerHeap()
  readonly #start: number
  #elapsed = 0
  #ends: (() => void)[] = []
  #isRunning = false

  constructor({ start = 1_700_000_000_000 }: VirtualClockOptions = {}) {
    this.#start = start
  }

  now(): number {
    return Math.floor(this.#start + this.#elapsed)
  }

  monotonic(): number {
    return this.#elapsed
  }

  after(ms: number, run: () => void): Timer {
    return this.#timers.add(this.#elapsed + checkedDelay(ms), run)
  }

  endOfTurn(run: () => void): void {
    this.#ends.push(run)
  }

  endOfTask(run: () => void): void {
    realTask(run)
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves time on by `ms`, running everything that falls due; `advance(0)` settles the present moment. */
  async advance(ms: number): Promise<void> {
    await this.runUntil(this.#elapsed + checkedDelay(ms))
  }

  /** Moves time on to a reading of `monotonic()`. */
  async runUntil(time: number): Promise<void> {
    await this.#exclusively(async () => {
      await this.#settle()
      for (;;) {
        const next = this.#timers.first()
        if (next === undefined || next.at > time) break
        await this.#goTo(next.at)
      }
      if (time > this.#elapsed) this.#elapsed = time
    })
  }

  /** Runs until no timer waits. Throws RangeError when that has not happened after `limit` ms. */
  async runUntilIdle({ limit = 3_600_000 }: { limit?: number } = {}): Promise<void> {
    const end = this.#elapsed + limit
    await this.#exclusively(async () => {
      await this.#settle()
      for (let next = this.#timers.first(); next !== undefined; next = this.#timers.first()) {
        if (next.at > end) throw new RangeError(`timers still wait after ${limit} ms of virtual time`)
        await this.#goTo(next.at)
      }
    })
  }

  /**
   * Moves time on until the work is settled, and hands on its outcome. Throws RangeError when no timer is left that
   * could settle it, or when `limit` ms have passed.
   */
  async runFor<T>(work: Promise<T>, { limit = 3_600_000 }: { limit?: number } = {}): Promise<T> {
    let isSettled = false
    const settled = (): void => {
      isSettled = true
    }
    work.then(settled, settled)
    const end = this.#elapsed + limit
    await this.#exclusively(async () => {
      await this.#settle()
      while (!isSettled) {
        const next = this.#timers.first()
        if (next === undefined) throw new RangeError('the work waits for something that no timer brings')
        if (next.at > end) throw new RangeError(`the work is not settled after ${limit} ms of virtual time`)
        await this.#goTo(next.at)
      }
    })
    return work
  }

  async #exclusively(run: () => Promise<void>): Promise<void> {
    if (this.#isRunning) throw new RangeError('this clock is being moved already')
    this.#isRunning = true
    try {
      await run()
    } finally {
      this.#isRunning = false
    }
  }

  /** Runs what is due at one timestamp, what that makes due at the same one included. */
  async #goTo(time: number): Promise<void> {
    this.#elapsed = time
    while (this.#isDue(time, Number.POSITIVE_INFINITY)) {
      // Timers made while these run are due too, but only after the promises of these have settled.
      const before = this.#timers.nextOrder
      while (this.#isDue(time, before)) this.#timers.takeFirst()?.run()
      await this.#settle()
    }
  }

  #isDue(time: number, before: number): boolean {
    const next = this.#timers.first()
    return next !== undefined && next.at <= time && next.order < before
  }

  async #settle(): Promise<void> {
    await realTurn()
    while (this.#ends.length > 0) {
      const ends = this.#ends
      this.#ends = []
      for (const run of ends) run()
      await realTurn()
    }
  }
}
