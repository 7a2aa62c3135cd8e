import type { Clock, Timer } from './clock.ts'
import { checkedDelay } from './delay.ts'

/** Above this many ms setTimeout fires at once, so longer waits are made of several. */
const LONGEST_TIMEOUT = 2 ** 31 - 1

/** The machine's own time. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (ms, run) => new SystemTimer(checkedDelay(ms), run),
    endOfTurn: (run) => {
      setImmediate(run)
    },
    endOfTask: (run) => queueMicrotask(run),
  }
}

class SystemTimer implements Timer {
  readonly #run: () => void
  #timeout: NodeJS.Timeout

  constructor(ms: number, run: () => void) {
    this.#run = run
    this.#timeout = this.#wait(ms)
  }

  cancel(): void {
    clearTimeout(this.#timeout)
  }

  #wait(ms: number): NodeJS.Timeout {
    if (ms <= LONGEST_TIMEOUT) return setTimeout(this.#run, ms).unref()
    const again = (): void => {
      this.#timeout = this.#wait(ms - LONGEST_TIMEOUT)
    }
    return setTimeout(again, LONGEST_TIMEOUT).unref()
  }
}
