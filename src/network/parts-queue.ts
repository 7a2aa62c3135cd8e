import { Fifo } from '../core/fifo.ts'

/** Messages in parts, first in first out, with their bytes counted. */
export class PartsQueue {
  readonly #messages = new Fifo<Uint8Array[]>()
  readonly #sizes = new Fifo<number>()
  #bytes = 0
  #largest = 0

  get isEmpty(): boolean {
    return this.#messages.size === 0
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
    return this.#sizes.first ?? 0
  }

  push(parts: Uint8Array[], size: number): void {
    this.#messages.push(parts)
    this.#sizes.push(size)
    this.#bytes += size
    if (size > this.#largest) this.#largest = size
  }

  /** Throws RangeError when empty. */
  shift(): Uint8Array[] {
    const parts = this.#messages.shift()
    if (parts === undefined) throw new RangeError('the queue is empty')
    this.#bytes -= this.#sizes.shift()!
    if (this.isEmpty) this.#largest = 0
    return parts
  }

  clear(): void {
    this.#messages.clear()
    this.#sizes.clear()
    this.#bytes = 0
    this.#largest = 0
  }
}
