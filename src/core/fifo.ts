/** Taken slots kept at the front before the rest moves up: moving at each `shift` would cost the length each time. */
const COMPACT_AT = 1_024

/** What waits, first in first out. Costs no allocation for each item beside the array's growth. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  /** The item that `shift` would return. */
  get first(): Item | undefined {
    return this.#items[this.#head]
  }

  /** The item that `pop` would return. */
  get last(): Item | undefined {
    return this.size === 0 ? undefined : this.#items.at(-1)
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  /** The oldest; undefined when nothing waits. */
  shift(): Item | undefined {
    const item = this.#items[this.#head]
    if (this.size <= 1) {
      this.clear()
      return item
    }
    this.#items[this.#head++] = undefined
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** The youngest; undefined when nothing waits. */
  pop(): Item | undefined {
    const item = this.size === 0 ? undefined : this.#items.pop()
    if (this.size === 0) this.clear()
    return item
  }

  clear(): void {
    if (this.#items.length === 0) return
    this.#items = []
    this.#head = 0
  }
}
