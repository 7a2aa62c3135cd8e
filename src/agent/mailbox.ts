import { Fifo } from '../core/fifo.ts'

/** Priorities of AMCP events: 0 (lowest) to 9. */
const PRIORITIES = 10

/**
 * Bytes of frames above which newcomers are to be copied out of theirs: a queue of 16,384 events of 256 bytes, all of the same
 * frames, stays below. Copying each event would cost as much as handling it.
 */
export const COPY_ABOVE = 4_194_304
/** Bytes of frames that may wait. */
export const MOST_BYTES = 67_108_864

/** Memory that waiting work keeps from being freed: the frame that an event came in, which others share. */
export interface Held {
  readonly bytes: Uint8Array
}

/**
 * What waits for one agent: bounded, highest priority first, in order within a priority. When it is full, the youngest
 * work of the lowest priority goes: that is the newcomer itself unless something less important waits. Full means so many,
 * or 64 MiB of frames. An empty mailbox has no lanes, so that an idle agent costs nothing here.
 */
export class Mailbox<Work> {
  readonly #limit: number
  readonly #heldBy: (work: Work) => Held | undefined
  readonly #queues: (Fifo<Work> | undefined)[] = []
  /** Bit p is set while queue p holds something. */
  #occupied = 0
  #size = 0
  #bytes = 0

  /**
   * @param limit how many may wait, at least 1
   * @param heldBy the memory that work keeps; undefined for work that keeps none worth counting
   */
  constructor(limit: number, heldBy: (work: Work) => Held | undefined = () => undefined) {
    this.#limit = limit
    this.#heldBy = heldBy
  }

  get size(): number {
    return this.#size
  }

  /**
   * Bytes of memory that what waits keeps. What came in one frame and waits side by side counts once; a frame whose events wait
   * apart, or under several priorities, counts for each of these: never too little.
   */
  get bytes(): number {
    return this.#bytes
  }

  /** Returns work that had to go, `work` itself or an older one; undefined when there was room. `overflow` has the rest of it. */
  push(work: Work, priority: number): Work | undefined {
    const at = priority < 0 ? 0 : priority >= PRIORITIES ? PRIORITIES - 1 : priority
    let shed: Work | undefined
    if (this.#size >= this.#limit) {
      if (this.#lowest >= at) return work
      shed = this.#take(this.#lowest, true)
    }
    let queue = this.#queues[at]
    if (queue === undefined) {
      queue = new Fifo()
      this.#queues[at] = queue
    }
    this.#count(work, queue.last, 1)
    queue.push(work)
    this.#occupied |= 1 << at
    this.#size += 1
    return shed ?? this.overflow()
  }

  /** Work that has to go because too many bytes wait; undefined when no more has to. To be asked while it gives something. */
  overflow(): Work | undefined {
    return this.#bytes > MOST_BYTES && this.#size > 1 ? this.#take(this.#lowest, true) : undefined
  }

  shift(): Work | undefined {
    if (this.#occupied === 0) return undefined
    return this.#take(31 - Math.clz32(this.#occupied), false)
  }

  get #lowest(): number {
    return 31 - Math.clz32(this.#occupied & -this.#occupied)
  }

  #take(priority: number, youngest: boolean): Work | undefined {
    const queue = this.#queues[priority]!
    const work = youngest ? queue.pop() : queue.shift()
    this.#count(work!, youngest ? queue.last : queue.first, -1)
    if (queue.size === 0) this.#occupied &= ~(1 << priority)
    this.#size -= 1
    return work
  }

  /** Memory counts when the first of a row that keeps it comes, and no more when the last of them goes. */
  #count(work: Work, neighbour: Work | undefined, sign: 1 | -1): void {
    const held = this.#heldBy(work)
    if (held === undefined || (neighbour !== undefined && this.#heldBy(neighbour) === held)) return
    this.#bytes += sign * held.bytes.buffer.byteLength
  }
}
