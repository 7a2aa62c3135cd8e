import type { Clock, Timer } from '../core/clock.ts'
import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import { TokenBucket } from '../core/token-bucket.ts'

/**
 * Versions of one owner that are taken, a second and at once: each costs everybody a new body, index and routes. An honest
 * owner has one version a turn at most, and in one that has to wait the ones before it are contained.
 */
const PER_SECOND = 200
const BURST = 1_000
/** A larger body counts as several versions: 65 for one of 1 MiB. */
const BYTES_A_VERSION = 16_384
/** Ms after which a version that had to wait is looked at again. */
const PAUSE = 100

interface Waiting {
  version: number
  since: number
  take: (waited: number) => void
  readonly timer: Timer
}

/**
 * How fast the entries of one owner may change here, whoever brings them. Of versions that come faster the newest waits
 * for its turn: the end is the same, and nothing is asked for twice.
 */
export class OwnerPace {
  readonly #clock: Clock
  readonly #counters: Ports['counters']
  readonly #buckets = new Map<ContextId, TokenBucket>()
  readonly #waiting = new Map<ContextId, Waiting>()

  constructor({ clock, counters }: Pick<Ports, 'clock' | 'counters'>) {
    this.#clock = clock
    this.#counters = counters
  }

  /**
   * Whether a version may be taken now. Only to be asked for who is in the map, so that strangers leave nothing behind.
   * @param bytes of a new body; 0 for a renewal
   */
  mayTake(owner: ContextId, bytes: number): boolean {
    let bucket = this.#buckets.get(owner)
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#clock, PER_SECOND, BURST)
      this.#buckets.set(owner, bucket)
    }
    return bucket.take(1 + Math.floor(bytes / BYTES_A_VERSION))
  }

  /**
   * Keeps a version that came too early, in place of older ones.
   * @param take called later with how long it has waited, ms; it may be too early then, too
   */
  hold(owner: ContextId, version: number, take: (waited: number) => void): void {
    this.#counters.add('membership.entry.delayed')
    const waiting = this.#waiting.get(owner)
    const since = this.#clock.monotonic()
    if (waiting === undefined) {
      const timer = this.#clock.after(PAUSE, () => this.#release(owner, first))
      const first: Waiting = { version, since, take, timer }
      this.#waiting.set(owner, first)
    } else if (version > waiting.version) Object.assign(waiting, { version, since, take })
  }

  forget(owner: ContextId): void {
    this.#buckets.delete(owner)
    this.#waiting.get(owner)?.timer.cancel()
    this.#waiting.delete(owner)
  }

  stop(): void {
    for (const { timer } of this.#waiting.values()) timer.cancel()
    this.#waiting.clear()
  }

  #release(owner: ContextId, { take, since }: Waiting): void {
    this.#waiting.delete(owner)
    take(this.#clock.monotonic() - since)
  }
}
