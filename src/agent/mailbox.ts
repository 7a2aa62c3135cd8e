/** Priorities of AMCP events: 0 (lowest) to 9. */
const PRIORITIES = 10

/** One priority's work, first in first out, without moving what waits. */
class Queue<Work> {
  #items: (Work | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(work: Work): void {
    this.#items.push(work)
  }

  shift(): Work | undefined {
    const work = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
    } else if (this.#head >= 1_024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return work
  }

  /** The youngest. */
  pop(): Work | undefined {
    return this.#items.pop()
  }
}

/**
 * What waits for one agent: bounded, highest priority first, in order within a priority. When it is full, the youngest
 * work of the lowest priority goes: that is the newcomer itself unless something less important waits. An empty mailbox
 * has no lanes, so that an idle agent costs nothing here.
 */
export class Mailbox<Work> {
  readonly #limit: number
  readonly #queues: (Queue<Work> | undefined)[] = []
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
      queue = new Queue()
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
