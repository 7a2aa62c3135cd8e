import type { Random } from './random.ts'
import { uuidOf } from './uuid.ts'

/** The same numbers for the same seed: xoshiro128**, its state spread from the seed's text by FNV-1a and splitmix32. */
export class SeededRandom implements Random {
  readonly seed: string
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number | string) {
    this.seed = String(seed)
    let hash = 0x811c9dc5
    for (let at = 0; at < this.seed.length; at += 1) hash = Math.imul(hash ^ this.seed.charCodeAt(at), 0x01000193)
    const spread = splitmix32(hash)
    this.#a = spread()
    this.#b = spread()
    this.#c = spread()
    // All zeroes is the one state that xoshiro never leaves.
    this.#d = spread() | 1
  }

  /** A stream of its own, the same however much has been drawn from this one. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${label}`)
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      let word = this.#next()
      for (let end = Math.min(at + 4, length); at < end; at += 1) {
        bytes[at] = word & 0xff
        word >>>= 8
      }
    }
    return bytes
  }

  float(): number {
    return ((this.#next() >>> 5) * 2 ** 26 + (this.#next() >>> 6)) / 2 ** 53
  }

  uuid(): string {
    return uuidOf(this.bytes(16), 4)
  }

  /** 32 bits. */
  #next(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = rotate(this.#d, 11)
    return result
  }
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}

function splitmix32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return mixed ^ (mixed >>> 15)
  }
}
