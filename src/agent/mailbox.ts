import { Fifo } from '../core/fifo.ts'

/** Priorities of AMCP events: 0 (lowest) to 9. */
const PRIORITIES = 10

/**
 * What waits for one agent: bounded, highest priority first, in order within a priority. When it is full, the youngest
 * work of the lowest priority goes: that is the newcomer itself unless something less important waits. An empty mailbox
 * has no lanes, so that an idle agent costs nothing here.
 */
export class Mailbox<Work> {
  readonly #limit: number
  readonly #queues: (Fifo<Work> | undefined)[] = []
  /** Bit p is set while queue p holds something. */
  #occupied = 0
  #size = 0

  /** @param limit how many may wait, at least 1 */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#size
  }

  /** Returns the work that had to go, `work` itself or an older one; undefined when there was room. */
  push(work: Work, priority: number): Work | undefined {
    const at = priority < 0 ? 0 : priority >= PRIORITIES ? PRIORITIES - 1 : priority
    let shed: Work | undefined
    if (this.#size >= this.#limit) {
      const lowest = 31 - Math.clz32(this.#occupied & -this.#occupied)
      if (lowest >= at) return work
      shed = this.#take(lowest, true)
    }
    let queue = this.#queues[at]
    if (queue === undefined) {
      queue = new Fifo()
      this.#queues[at] = queue
    }
    queue.push(work)
    this.#occupied |= 1 << at
    this.#size += 1
    return shed
  }

  shift(): Work | undefined {
    if (this.#occupied === 0) return undefined
    return this.#take(31 - Math.clz32(this.#occupied), false)
  }

  #take(priority: number, youngest: boolean): Work | undefined {
    const queue = this.#queues[priority]!
    const work = youngest ? queue.pop() : queue.shift()
    if (queue.size === 0) this.#occupied &= ~(1 << priority)
    this.#size -= 1
    return work
  }
}
