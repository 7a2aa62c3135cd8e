import { realTurn } from '../core/system-turn.ts'
import type { VirtualClock } from '../core/virtual-clock.ts'

/** Virtual ms moved at a time, after each of which conditions are looked at. */
const STEP = 1

export interface Mover {
  /** Resolves once the condition holds. Throws RangeError, naming `what`, when `limit` virtual ms have passed. */
  until(condition: () => boolean, what: string, options?: { limit?: number }): Promise<void>
  /** Lets `ms` of virtual time pass. */
  pass(ms: number): Promise<void>
  stop(): Promise<void>
}

/**
 * Moves virtual time on for as long as it is not stopped, for code that awaits without knowing of the clock. What such
 * code does depends on when it looks, so traces to be compared are made with `simulate`, which moves time itself.
 */
export function keepMoving(clock: VirtualClock): Mover {
  let isStopped = false
  const move = async (): Promise<void> => {
    while (!isStopped) {
      await clock.advance(STEP)
      await realTurn()
    }
  }
  const moving = move()
  const pass = async (ms: number): Promise<void> => {
    const end = clock.monotonic() + ms
    while (clock.monotonic() < end) await realTurn()
  }
  return {
    pass,
    until: async (condition, what, { limit = 60_000 } = {}) => {
      const end = clock.monotonic() + limit
      while (!condition()) {
        if (clock.monotonic() >= end) throw new RangeError(`not after ${limit} ms of virtual time: ${what}`)
        await realTurn()
      }
    },
    stop: () => {
      isStopped = true
      return moving
    },
  }
}
