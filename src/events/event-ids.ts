import type { Random } from '../core/random.ts'

/** Counter digits that change within a block, as text, so that an id costs one concatenation. */
const LOW_DIGITS = 3
const BLOCK = 16 ** LOW_DIGITS
const low: readonly string[] = Array.from({ length: BLOCK }, (_, value) => value.toString(16).padStart(LOW_DIGITS, '0'))
const HIGH_DIGITS = 12 - LOW_DIGITS

/**
 * Makes the ids of one publisher's events: UUIDs of version 8, 74 random bits drawn once and a counter of 48 bits.
 * Unique like random ones, at a tenth of their cost; they are names, not secrets.
 * @see RFC 9562, 5.8
 */
export class EventIds {
  readonly #prefix: string
  #block = -1
  #base = ''
  #next = 0

  constructor(random: Random) {
    const uuid = random.uuid()
    this.#prefix = `${uuid.slice(0, 14)}8${uuid.slice(15, 24)}`
  }

  next(): string {
    const at = this.#next++
    const block = Math.floor(at / BLOCK)
    if (block !== this.#block) {
      this.#block = block
      this.#base = this.#prefix + block.toString(16).padStart(HIGH_DIGITS, '0')
    }
    return this.#base + low[at % BLOCK]!
  }
}
