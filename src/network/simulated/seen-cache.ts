/** Digests seen of late, bounded in time and number. */
export class SeenCache {
  readonly #untilOf = new Map<string, number>()
  readonly #lifetime: number
  readonly #capacity: number

  constructor({ lifetime = 120_000, capacity = 100_000 }: { lifetime?: number; capacity?: number } = {}) {
    this.#lifetime = lifetime
    this.#capacity = capacity
  }

  /** Whether it is new; remembers it then. */
  add(digest: string, now: number): boolean {
    for (const [oldest, until] of this.#untilOf) {
      if (until > now && this.#untilOf.size < this.#capacity) break
      this.#untilOf.delete(oldest)
    }
    if (this.#untilOf.has(digest)) return false
    this.#untilOf.set(digest, now + this.#lifetime)
    return true
  }
}
