import type { Timer } from '../../core/clock.ts'
import type { ContextId } from '../../core/ids.ts'
import { drawLatency, type Environment } from './conditions.ts'

interface UnderWay {
  readonly at: number
  readonly arrive: () => void
}

/** Arrivals this close to now, in ms, are now: times of clocks are sums of fractions. */
const CLOSE = 1e-6

/** One direction of a link: reliable and in order, with latency and bandwidth. A blocked wire holds what is sent. */
export class Wire {
  readonly #environment: Environment
  readonly #from: ContextId
  readonly #to: ContextId
  #underWay: UnderWay[] = []
  #held: { readonly size: number; readonly arrive: () => void }[] = []
  #freeAt = 0
  #lastArrival = 0
  #timer: Timer | undefined
  #isCut = false

  constructor(environment: Environment, from: ContextId, to: ContextId) {
    this.#environment = environment
    this.#from = from
    this.#to = to
  }

  transmit(size: number, arrive: () => void): void {
    if (this.#isCut) return
    const { clock, conditions, faults } = this.#environment
    if (this.#held.length > 0 || faults.isBlocked(this.#from, this.#to)) {
      this.#held.push({ size, arrive })
      return
    }
    const now = clock.monotonic()
    this.#freeAt = Math.max(this.#freeAt, now) + size / conditions.bandwidth
    const exact = Math.max(this.#lastArrival, this.#freeAt + drawLatency(this.#environment))
    const at = Math.ceil(exact / conditions.resolution) * conditions.resolution
    this.#lastArrival = at
    this.#underWay.push({ at, arrive })
    if (this.#timer === undefined) this.#wait(at - now)
  }

  /** Sends what was held, now that the way is open. */
  release(): void {
    const held = this.#held
    this.#held = []
    for (const { size, arrive } of held) this.transmit(size, arrive)
  }

  /** Forgets what is under way; nothing arrives any more. */
  cut(): void {
    this.#isCut = true
    this.#timer?.cancel()
    this.#underWay = []
    this.#held = []
  }

  #wait(ms: number): void {
    this.#timer = this.#environment.clock.after(ms, () => this.#deliver())
  }

  #deliver(): void {
    this.#timer = undefined
    const now = this.#environment.clock.monotonic()
    let count = 0
    while (count < this.#underWay.length && this.#underWay[count]!.at <= now + CLOSE) count += 1
    const due = this.#underWay.splice(0, count)
    const next = this.#underWay[0]
    if (next !== undefined) this.#wait(next.at - now)
    for (const { arrive } of due) {
      if (this.#isCut) return
      arrive()
    }
  }
}
