import { AmcpError } from '../../core/errors.ts'
import type { ByteWriter } from './byte-writer.ts'
import { varintLength } from './byte-writer.ts'
import { bytes } from './bytes.ts'

interface Slot {
  readonly text: string
  /** UTF-8 with its length in front. */
  readonly size: number
  /** Which frame the index is of. */
  frame: number
  index: number
}

/** Strings remembered across frames; more, and all are forgotten at the next frame. */
const MOST_STRINGS = 4096
const MOST_CHARACTERS = 1_048_576

/** The strings of the frame that is being written. Slots outlive the frame, so that hot strings cost one look-up and no garbage. */
export class StringDictionary {
  readonly #slots = new Map<string, Slot>()
  readonly #table: Slot[] = []
  #count = 0
  #frame = 1
  #characters = 0
  /** Bytes that the strings will take in the table. */
  size = 0

  get count(): number {
    return this.#count
  }

  /** Index of the text in this frame's table. ERR_EVENT_INVALID for half a surrogate pair, which UTF-8 cannot hold. */
  indexOf(text: string): number {
    let slot = this.#slots.get(text)
    if (slot === undefined) slot = this.#remember(text)
    if (slot.frame !== this.#frame) {
      slot.frame = this.#frame
      slot.index = this.#count
      this.#table[this.#count++] = slot
      this.size += slot.size
    }
    return slot.index
  }

  #remember(text: string): Slot {
    const length = bytes.utf8Length(text)
    checkWellFormed(text, length)
    const slot = { text, size: length + varintLength(length), frame: 0, index: 0 }
    this.#slots.set(text, slot)
    this.#characters += text.length
    return slot
  }

  /** Takes back the strings beyond the first `count`. */
  rollback(count: number): void {
    while (this.#count > count) {
      const slot = this.#table[--this.#count]!
      slot.frame = 0
      this.size -= slot.size
    }
  }

  writeTo(out: ByteWriter): void {
    out.ensure(this.size + 8)
    out.varint(this.#count)
    for (let index = 0; index < this.#count; index++) out.text(this.#table[index]!.text)
  }

  /** Starts the next frame. */
  reset(): void {
    this.#frame++
    this.#count = 0
    this.size = 0
    if (this.#slots.size <= MOST_STRINGS && this.#characters <= MOST_CHARACTERS) return
    this.#slots.clear()
    this.#table.length = 0
    this.#characters = 0
  }
}

/** ERR_EVENT_INVALID when a text holds half a surrogate pair. @param length in UTF-8 */
export function checkWellFormed(text: string, length: number): void {
  if (length !== text.length && !text.isWellFormed())
    throw new AmcpError('ERR_EVENT_INVALID', 'an attribute is not well-formed Unicode', {
      details: { attribute: text.slice(0, 64).toWellFormed() },
    })
}
