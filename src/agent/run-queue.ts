import type { Clock } from '../core/clock.ts'

/** Steps of one agent in a row before its neighbours have their turn. */
const STEPS_IN_A_ROW = 32
/** Steps of all agents before the event loop has its turn: some ms of small handlers. */
const STEPS_A_TURN = 4_096
/** How long handlers that wait for promises go on within a turn, ms: what comes in from the network waits that long. */
const RESUME_MS = 4

export interface Runnable {
  /** Takes one step; false when nothing is left to do now. */
  step(): boolean
}

/** Lets the agents of a context work through their mailboxes, in turn, at the end of each turn of the event loop. */
export class RunQueue {
  readonly #clock: Clock
  #ready: Runnable[] = []
  #isScheduled = false
  #resumed: Runnable[] = []
  /** What is left of this turn: steps, and until when on the monotonic clock. */
  #left = 0
  #until = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Adds somebody who is not in the queue. */
  add(runnable: Runnable): void {
    this.#ready.push(runnable)
    this.#schedule()
  }

  /**
   * Adds somebody who is not in the queue, and whose handler has waited for a promise. It goes on within this turn while
   * there is room in it: with one step a turn an asynchronous handler would work off a few thousand events a second, and
   * each would leave in a frame of its own.
   */
  resume(runnable: Runnable): void {
    if (this.#left <= 0 || this.#clock.monotonic() >= this.#until) {
      this.add(runnable)
      return
    }
    this.#resumed.push(runnable)
    if (this.#resumed.length === 1) this.#clock.endOfTask(this.#goOn)
  }

  readonly #goOn = (): void => {
    const resumed = this.#resumed
    this.#resumed = []
    for (const runnable of resumed) this.#work(runnable)
    // The end of the turn renews what there is room for.
    this.#schedule()
  }

  readonly #run = (): void => {
    this.#isScheduled = false
    this.#left = STEPS_A_TURN
    this.#until = this.#clock.monotonic() + RESUME_MS
    while (this.#ready.length > 0 && this.#left > 0) {
      const round = this.#ready
      this.#ready = []
      for (const runnable of round) this.#work(runnable)
    }
    if (this.#ready.length > 0) this.#schedule()
  }

  #work(runnable: Runnable): void {
    let steps = this.#left > 0 ? STEPS_IN_A_ROW : 0
    let hasMore = true
    while (hasMore && steps-- > 0) {
      hasMore = runnable.step()
      this.#left -= 1
    }
    if (hasMore) this.#ready.push(runnable)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.endOfTurn(this.#run)
  }
}
