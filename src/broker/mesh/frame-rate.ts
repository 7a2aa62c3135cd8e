import type { Clock } from '../../core/clock.ts'
import type { ContextId } from '../../core/ids.ts'

export interface FrameRateOptions {
  /** Frames a second on average. @default 20_000 */
  framesPerSecond?: number
  /** Frames that may come at once. @default 20_000 */
  burst?: number
}

const MAX_CONTEXTS = 4_096

/** Token buckets, one a context: what goes beyond its rate is dropped before it costs more. */
export class FrameRate {
  readonly #clock: Clock
  readonly #perMs: number
  readonly #burst: number
  readonly #buckets = new Map<ContextId, { left: number; at: number }>()

  constructor(clock: Clock, { framesPerSecond = 20_000, burst = 20_000 }: FrameRateOptions = {}) {
    this.#clock = clock
    this.#perMs = framesPerSecond / 1_000
    this.#burst = burst
  }

  take(context: ContextId): boolean {
    const now = this.#clock.monotonic()
    let bucket = this.#buckets.get(context)
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_CONTEXTS) this.#buckets.clear()
      bucket = { left: this.#burst, at: now }
      this.#buckets.set(context, bucket)
    }
    bucket.left = Math.min(this.#burst, bucket.left + (now - bucket.at) * this.#perMs)
    bucket.at = now
    if (bucket.left < 1) return false
    bucket.left -= 1
    return true
  }
}
