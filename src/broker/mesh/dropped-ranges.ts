import type { ShardRange } from './batcher.ts'

/** What a slow receiver missed and has not been told yet: one range a shard. */
export class DroppedRanges {
  readonly #ranges = new Map<number, ShardRange>()

  get isEmpty(): boolean {
    return this.#ranges.size === 0
  }

  /** Returns how many sequence numbers were added. */
  add(ranges: readonly ShardRange[]): number {
    let count = 0
    for (const { shard, first, last } of ranges) {
      const known = this.#ranges.get(shard)
      if (known === undefined) this.#ranges.set(shard, { shard, first, last })
      else known.last = last
      count += last - first + 1
    }
    return count
  }

  /** Everything; forgets it. */
  take(): readonly ShardRange[] {
    const ranges = [...this.#ranges.values()]
    this.#ranges.clear()
    return ranges
  }
}
