/** Time, as everything in the library sees it; real in `system-clock.ts`, virtual in `virtual-clock.ts`. */
export interface Clock {
  /** Wall time, ms since 1970, whole. */
  now(): number
  /** Monotonic time, ms, fractional; its zero is arbitrary. */
  monotonic(): number
  /** Runs `run` once after `ms`. A real timer does not keep the process alive. */
  after(ms: number, run: () => void): Timer
  /** Runs `run` when the current turn of the event loop ends: what the batchers wait for. */
  endOfTurn(run: () => void): void
  /** Runs `run` as a microtask: when the code that runs now has returned, and what was asked for before has run. */
  endOfTask(run: () => void): void
}

export interface Timer {
  cancel(): void
}
