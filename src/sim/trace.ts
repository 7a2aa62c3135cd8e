import { toString as encodeBytes } from 'uint8arrays/to-string'
import type { Crypto } from '../core/crypto.ts'

/** Characters gathered before they become bytes. */
const CHUNK = 65_536

/**
 * What happened, line by line: `ms kind fields…`, in UTF-8, each line ended by a line feed. Two runs are the same when
 * the SHA-256 of their traces is.
 */
export class Trace {
  readonly #chunks: Uint8Array[] = []
  readonly #encoder = new TextEncoder()
  #tail = ''
  #count = 0

  get lines(): number {
    return this.#count
  }

  /** @param at virtual ms; written with three decimals */
  add(at: number, kind: string, ...fields: readonly (string | number)[]): void {
    this.#tail += `${[at.toFixed(3), kind, ...fields].join(' ').replaceAll('\n', '\\n')}\n`
    this.#count += 1
    if (this.#tail.length >= CHUNK) this.#seal()
  }

  /** The trace's bytes: what `sha256sum` would be given. */
  chunks(): readonly Uint8Array[] {
    this.#seal()
    return this.#chunks
  }

  /** In hexadecimal. */
  sha256(crypto: Pick<Crypto, 'sha256'>): string {
    return encodeBytes(crypto.sha256(...this.chunks()), 'hex')
  }

  #seal(): void {
    if (this.#tail === '') return
    this.#chunks.push(this.#encoder.encode(this.#tail))
    this.#tail = ''
  }
}
