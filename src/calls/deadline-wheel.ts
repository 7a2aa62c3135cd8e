import type { Clock, Timer } from '../core/clock.ts'

/** One turn of the wheel is 4,096 ms; what lies further ahead stays in its slot for several turns. */
const SLOTS = 1_024
/** Width of a slot in ms: a deadline is late by at most this much, never early. */
const GRAIN = 4
/** Instead of a slot: in none, and taken out to expire in a moment. */
const NOWHERE = -1
const DUE = -2

/** Something with a deadline. It is its own list node, so that waiting for a deadline allocates nothing. */
export abstract class Timed {
  /** Reading of `clock.monotonic()` in ms. */
  readonly deadline: number
  slot: number = NOWHERE
  previous: Timed | undefined
  next: Timed | undefined

  constructor(deadline: number) {
    this.deadline = deadline
  }

  /** Called once, when the deadline has passed and nobody removed it before. */
  abstract expire(): void
}

/** All deadlines of a context on one timer: adding and removing cost a few ns whatever their number. */
export class DeadlineWheel {
  readonly #clock: Clock
  readonly #slots: (Timed | undefined)[] = new Array(SLOTS).fill(undefined)
  /** The last slot that was reached, counted from the clock's zero: nothing waits behind it. */
  #tick = 0
  #size = 0
  #timer: Timer | undefined
  #wakesAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#size
  }

  add(entry: Timed): void {
    const slot = Math.max(this.#tick, Math.ceil(entry.deadline / GRAIN)) % SLOTS
    const first = this.#slots[slot]
    entry.slot = slot
    entry.previous = undefined
    entry.next = first
    if (first !== undefined) first.previous = entry
    this.#slots[slot] = entry
    this.#size += 1
    const wakesAt = Math.ceil(entry.deadline / GRAIN) * GRAIN
    if (wakesAt < this.#wakesAt) this.#wake(wakesAt)
  }

  /** What waits now, in no order. */
  entries(): readonly Timed[] {
    const entries: Timed[] = []
    for (const first of this.#slots)
      for (let entry = first; entry !== undefined; entry = entry.next) entries.push(entry)
    return entries
  }

  /** Does nothing for an entry that is not, or no longer, in the wheel. */
  remove(entry: Timed): void {
    if (entry.slot >= 0) this.#unlink(entry)
    entry.slot = NOWHERE
  }

  #unlink(entry: Timed): void {
    if (entry.previous === undefined) this.#slots[entry.slot] = entry.next
    else entry.previous.next = entry.next
    if (entry.next !== undefined) entry.next.previous = entry.previous
    entry.previous = undefined
    entry.next = undefined
    this.#size -= 1
  }

  /** Cancels the timer; what still waits never expires. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#wakesAt = Number.POSITIVE_INFINITY
  }

  #wake(at: number): void {
    this.#timer?.cancel()
    this.#wakesAt = at
    this.#timer = this.#clock.after(at - this.#clock.monotonic(), this.#turn)
  }

  // The timer is not cancelled when its entry leaves: it fires once for nothing and then looks for the next one.
  readonly #turn = (): void => {
    const reached = Math.floor(this.#clock.monotonic() / GRAIN)
    const due: Timed[] = []
    for (let tick = Math.max(this.#tick, reached - SLOTS + 1); tick <= reached; tick++) {
      for (let entry = this.#slots[tick % SLOTS]; entry !== undefined; entry = entry.next) {
        // Not by the deadline itself: one that division rounds down to a slot before it would wake us again and again.
        if (Math.ceil(entry.deadline / GRAIN) <= reached) due.push(entry)
      }
    }
    for (const entry of due) {
      this.#unlink(entry)
      entry.slot = DUE
    }
    this.#tick = reached
    this.#timer = undefined
    this.#wakesAt = Number.POSITIVE_INFINITY
    const soonest = this.#soonest()
    if (soonest < Number.POSITIVE_INFINITY) this.#wake(soonest)
    due.sort((one, other) => one.deadline - other.deadline)
    for (const entry of due) {
      // One that expired may have removed another.
      if (entry.slot !== DUE) continue
      entry.slot = NOWHERE
      entry.expire()
    }
  }

  /** When to look again: the end of the first slot that holds an entry of the turn to come. */
  #soonest(): number {
    let soonest = Number.POSITIVE_INFINITY
    if (this.#size === 0) return soonest
    for (let tick = this.#tick; tick < this.#tick + SLOTS; tick++) {
      for (let entry = this.#slots[tick % SLOTS]; entry !== undefined; entry = entry.next) {
        const at = Math.max(tick, Math.ceil(entry.deadline / GRAIN)) * GRAIN
        if (at < soonest) soonest = at
      }
      if (soonest <= tick * GRAIN) return soonest
    }
    return soonest
  }
}
