/** Small parts are gathered in blocks of this size. */
const BLOCK = 16 * 1024

/**
 * The parts of a message that has not come whole yet. A part that is much smaller than the buffer it came in is copied:
 * a peer that sends a byte of a message beside kilobytes of something else would have all of them kept.
 */
export class MessageParts {
  #parts: Uint8Array[] = []
  #block: Uint8Array = new Uint8Array(0)
  #used = 0
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  keep(part: Uint8Array): void {
    this.#bytes += part.length
    if (part.length * 2 >= part.buffer.byteLength) {
      this.#gather()
      this.#parts.push(part)
      return
    }
    if (this.#used + part.length > this.#block.length) {
      this.#gather()
      this.#block = new Uint8Array(Math.max(BLOCK, part.length))
    }
    this.#block.set(part, this.#used)
    this.#used += part.length
  }

  /** Everything and `last`, in one piece; nothing is kept then. */
  join(last: Uint8Array): Uint8Array {
    if (this.#bytes === 0) return last
    this.#gather()
    const message = new Uint8Array(this.#bytes + last.length)
    let at = 0
    for (const part of this.#parts) {
      message.set(part, at)
      at += part.length
    }
    message.set(last, at)
    this.#parts = []
    this.#bytes = 0
    return message
  }

  /** Moves the block behind the parts: as it is when it is mostly used, else as a copy, and goes on filling it. */
  #gather(): void {
    if (this.#used === 0) return
    const isFull = this.#used * 2 >= this.#block.length
    this.#parts.push(isFull ? this.#block.subarray(0, this.#used) : this.#block.slice(0, this.#used))
    if (isFull) this.#block = new Uint8Array(0)
    this.#used = 0
  }
}
