import type { Clock } from '../core/clock.ts'

/** One thing at a time: whose turn it is in an agent. Handlers take it when it is free, hooks wait for it in line. */
export class Turns {
  isTaken = false
  #line: (() => void)[] | undefined

  /** Resolves when the turn is the caller's, who gives it back with `end`. */
  async take(): Promise<void> {
    // A handler may have been quicker than the promise that told us.
    while (this.isTaken) await new Promise<void>((resolve) => this.#join(resolve))
    this.isTaken = true
  }

  end(): void {
    this.isTaken = false
    const line = this.#line
    if (line === undefined) return
    this.#line = undefined
    for (const resolve of line) resolve()
  }

  /** Waits for the turn that somebody has, without taking it: whether it ended within `limit` ms. */
  ended(clock: Clock, limit: number): Promise<boolean> {
    if (!this.isTaken) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = clock.after(limit, () => resolve(false))
      this.#join(() => {
        timer.cancel()
        resolve(true)
      })
    })
  }

  #join(resolve: () => void): void {
    this.#line ??= []
    this.#line.push(resolve)
  }
}
