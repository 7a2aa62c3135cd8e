import type { Clock } from '../../core/clock.ts'
import type { ContextId } from '../../core/ids.ts'
import { TokenBucket } from '../../core/token-bucket.ts'

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
  readonly #perSecond: number
  readonly #burst: number
  readonly #buckets = new Map<ContextId, TokenBucket>()

  constructor(clock: Clock, { framesPerSecond = 20_000, burst = 20_000 }: FrameRateOptions = {}) {
    this.#clock = clock
    this.#perSecond = framesPerSecond
    this.#burst = burst
  }

  take(context: ContextId): boolean {
    return (this.#buckets.get(context) ?? this.#open(context)).take()
  }

  #open(context: ContextId): TokenBucket {
    if (this.#buckets.size >= MAX_CONTEXTS) this.#buckets.clear()
    const bucket = new TokenBucket(this.#clock, this.#perSecond, this.#burst)
    this.#buckets.set(context, bucket)
    return bucket
  }
}
