/** One message of a direct lane that waits: its envelope, and the frame that other receivers share. */
export interface Waiting {
  readonly envelope: Uint8Array
  readonly frame: Uint8Array | undefined
}

/** Shifted messages kept at the front before the rest moves up: moving at each shift would cost the length each time. */
const MAX_SHIFTED = 1_024

/** Messages that wait, with their bytes. */
export class SendQueue {
  #messages: (Waiting | undefined)[] = []
  #head = 0
  #bytes = 0

  get isEmpty(): boolean {
    return this.#head === this.#messages.length
  }

  get bytes(): number {
    return this.#bytes
  }

  get first(): Waiting | undefined {
    return this.#messages[this.#head]
  }

  push(message: Waiting): void {
    this.#messages.push(message)
    this.#bytes += sizeOf(message)
  }

  shift(): void {
    const first = this.#messages[this.#head]
    if (first === undefined) return
    this.#bytes -= sizeOf(first)
    this.#messages[this.#head++] = undefined
    if (this.#head < this.#messages.length && this.#head < MAX_SHIFTED) return
    this.#messages = this.#messages.slice(this.#head)
    this.#head = 0
  }

  /** Forgets everything; returns how many messages that were. */
  clear(): number {
    const left = this.#messages.length - this.#head
    this.#messages = []
    this.#head = 0
    this.#bytes = 0
    return left
  }
}

const sizeOf = ({ envelope, frame }: Waiting): number => envelope.length + (frame?.length ?? 0)
