/** How many taken slots may lie in front before the arrays are moved together. */
const COMPACT_AT = 1024

/** Messages in parts, first in first out, with their bytes counted. No allocation per message beside the arrays' growth. */
export class PartsQueue {
  #messages: (Uint8Array[] | undefined)[] = []
  #sizes: number[] = []
  #head = 0
  #bytes = 0
  #largest = 0

  get isEmpty(): boolean {
    return this.#head === this.#messages.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The largest message since the queue was last empty. */
  get largest(): number {
    return this.#largest
  }

  /** Bytes of the message that `shift` would return; 0 when there is none. */
  get nextSize(): number {
    return this.#sizes[this.#head] ?? 0
  }

  push(parts: Uint8Array[], size: number): void {
    this.#messages.push(parts)
    this.#sizes.push(size)
    this.#bytes += size
    if (size > this.#largest) this.#largest = size
  }

  /** Throws RangeError when empty. */
  shift(): Uint8Array[] {
    const parts = this.#messages[this.#head]
    if (parts === undefined) throw new RangeError('the queue is empty')
    this.#messages[this.#head] = undefined
    this.#bytes -= this.nextSize
    this.#head += 1
    if (this.isEmpty) this.clear()
    else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#messages.length) this.#compact()
    return parts
  }

  clear(): void {
    this.#messages = []
    this.#sizes = []
    this.#head = 0
    this.#bytes = 0
    this.#largest = 0
  }

  #compact(): void {
    this.#messages = this.#messages.slice(this.#head)
    this.#sizes = this.#sizes.slice(this.#head)
    this.#head = 0
  }
}
