import { Fifo } from '../../core/fifo.ts'

/** One message of a direct lane that waits: its envelope, and the frame that other receivers share. */
export interface Waiting {
  readonly envelope: Uint8Array
  readonly frame: Uint8Array | undefined
}

/** Messages that wait, with their bytes. */
export class SendQueue {
  readonly #messages = new Fifo<Waiting>()
  #bytes = 0

  get isEmpty(): boolean {
    return this.#messages.size === 0
  }

  get bytes(): number {
    return this.#bytes
  }

  get first(): Waiting | undefined {
    return this.#messages.first
  }

  push(message: Waiting): void {
    this.#messages.push(message)
    this.#bytes += sizeOf(message)
  }

  shift(): void {
    const message = this.#messages.shift()
    if (message !== undefined) this.#bytes -= sizeOf(message)
  }

  /** Forgets everything; returns how many messages that were. */
  clear(): number {
    const left = this.#messages.size
    this.#messages.clear()
    this.#bytes = 0
    return left
  }
}

const sizeOf = ({ envelope, frame }: Waiting): number => envelope.length + (frame?.length ?? 0)
