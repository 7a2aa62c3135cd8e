import type { Timer } from './clock.ts'

/** A timer of virtual time; in the heap until it is due, cancelled or not. */
export class HeapTimer implements Timer {
  readonly at: number
  readonly order: number
  readonly run: () => void
  readonly #heap: TimerHeap
  #isWaiting = true

  constructor(heap: TimerHeap, at: number, order: number, run: () => void) {
    this.#heap = heap
    this.at = at
    this.order = order
    this.run = run
  }

  get isWaiting(): boolean {
    return this.#isWaiting
  }

  cancel(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    this.#heap.forget()
  }

  /** Marks it as taken out, so that a late cancel changes nothing. */
  take(): void {
    this.#isWaiting = false
  }
}

/** Timers by (time, order of insertion). Cancelled ones stay until they surface or outnumber the waiting ones. */
export class TimerHeap {
  #timers: HeapTimer[] = []
  #order = 0
  #cancelled = 0

  /** The order that the next timer will get: those made before have lower ones. */
  get nextOrder(): number {
    return this.#order
  }

  /** How many wait. */
  get size(): number {
    return this.#timers.length - this.#cancelled
  }

  add(at: number, run: () => void): HeapTimer {
    const timer = new HeapTimer(this, at, this.#order++, run)
    this.#timers.push(timer)
    this.#rise(this.#timers.length - 1)
    return timer
  }

  /** The first due timer, still inside. */
  first(): HeapTimer | undefined {
    let top = this.#timers[0]
    while (top !== undefined && !top.isWaiting) {
      this.#removeTop()
      this.#cancelled -= 1
      top = this.#timers[0]
    }
    return top
  }

  /** Takes out the first timer. */
  takeFirst(): HeapTimer | undefined {
    const first = this.first()
    if (first === undefined) return undefined
    first.take()
    this.#removeTop()
    return first
  }

  /** Called by a timer that was cancelled. */
  forget(): void {
    this.#cancelled += 1
    if (this.#cancelled * 2 <= this.#timers.length) return
    this.#timers = this.#timers.filter((timer) => timer.isWaiting)
    this.#cancelled = 0
    for (let at = (this.#timers.length >>> 1) - 1; at >= 0; at -= 1) this.#sink(at)
  }

  #removeTop(): void {
    const last = this.#timers.pop()
    if (last === undefined || this.#timers.length === 0) return
    this.#timers[0] = last
    this.#sink(0)
  }

  #rise(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#isBefore(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(from: number): void {
    let at = from
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      let least = at
      if (left < this.#timers.length && this.#isBefore(left, least)) least = left
      if (right < this.#timers.length && this.#isBefore(right, least)) least = right
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #isBefore(one: number, other: number): boolean {
    const a = this.#timers[one]!
    const b = this.#timers[other]!
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  #swap(one: number, other: number): void {
    const timer = this.#timers[one]!
    this.#timers[one] = this.#timers[other]!
    this.#timers[other] = timer
  }
}
