/** A map that forgets what was used longest ago once it holds `capacity` entries. */
export class LruCache<K, V> {
  readonly #capacity: number
  readonly #entries = new Map<K, V>()
  /** Asked for again and again, it need not be moved: most look-ups in a row are for the same key. */
  #youngest: K | undefined

  constructor(capacity: number) {
    if (!(capacity >= 1)) throw new RangeError(`a cache holds at least one entry, got ${capacity}`)
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  /** The value, now the youngest. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined || key === this.#youngest) return value
    this.#youngest = key
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: K, value: V): void {
    this.#youngest = key
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#capacity) return
    const oldest = this.#entries.keys().next()
    if (!oldest.done) this.#entries.delete(oldest.value)
  }

  /** Removes what was used longest ago and returns its key; undefined when there is nothing. */
  shift(): K | undefined {
    const oldest = this.#entries.keys().next()
    if (oldest.done) return undefined
    this.delete(oldest.value)
    return oldest.value
  }

  delete(key: K): boolean {
    if (key === this.#youngest) this.#youngest = undefined
    return this.#entries.delete(key)
  }
}
