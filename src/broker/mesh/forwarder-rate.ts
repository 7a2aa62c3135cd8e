import type { Clock } from '../../core/clock.ts'
import type { ContextId } from '../../core/ids.ts'

export interface ForwarderRateOptions {
  /** Frames a second that one neighbour may bring on average. @default 20_000 */
  framesPerSecond?: number
  /** Frames that may come at once. @default 20_000 */
  burst?: number
}

const MAX_FORWARDERS = 4_096

/** Token buckets: what a neighbour brings beyond its rate is not even verified. */
export class ForwarderRate {
  readonly #clock: Clock
  readonly #perMs: number
  readonly #burst: number
  readonly #buckets = new Map<ContextId, { left: number; at: number }>()

  constructor(clock: Clock, { framesPerSecond = 20_000, burst = 20_000 }: ForwarderRateOptions = {}) {
    this.#clock = clock
    this.#perMs = framesPerSecond / 1_000
    this.#burst = burst
  }

  take(forwarder: ContextId): boolean {
    const now = this.#clock.monotonic()
    let bucket = this.#buckets.get(forwarder)
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_FORWARDERS) this.#buckets.clear()
      bucket = { left: this.#burst, at: now }
      this.#buckets.set(forwarder, bucket)
    }
    bucket.left = Math.min(this.#burst, bucket.left + (now - bucket.at) * this.#perMs)
    bucket.at = now
    if (bucket.left < 1) return false
    bucket.left -= 1
    return true
  }
}
