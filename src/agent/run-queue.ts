import type { Clock } from '../core/clock.ts'

/** Steps of one agent in a row before its neighbours have their turn. */
const STEPS_IN_A_ROW = 32
/** Steps of all agents before the event loop has its turn: some ms of small handlers. */
const STEPS_A_TURN = 4_096

export interface Runnable {
  /** Takes one step; false when nothing is left to do now. */
  step(): boolean
}

/** Lets the agents of a context work through their mailboxes, in turn, at the end of each turn of the event loop. */
export class RunQueue {
  readonly #clock: Clock
  #ready: Runnable[] = []
  #isScheduled = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Adds somebody who is not in the queue. */
  add(runnable: Runnable): void {
    this.#ready.push(runnable)
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.endOfTurn(this.#run)
  }

  readonly #run = (): void => {
    this.#isScheduled = false
    let left = STEPS_A_TURN
    while (this.#ready.length > 0 && left > 0) {
      const round = this.#ready
      this.#ready = []
      for (const runnable of round) {
        let steps = left > 0 ? STEPS_IN_A_ROW : 0
        let hasMore = true
        while (hasMore && steps-- > 0) {
          hasMore = runnable.step()
          left -= 1
        }
        if (hasMore) this.#ready.push(runnable)
      }
    }
    if (this.#ready.length === 0 || this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.endOfTurn(this.#run)
  }
}
