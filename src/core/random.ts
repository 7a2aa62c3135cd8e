/** Randomness, as everything in the library sees it; `system-random.ts` is the real one, `seeded-random.ts` the repeatable one. */
export interface Random {
  bytes(length: number): Uint8Array
  /** Uniform in [0, 1). */
  float(): number
  /** A UUID of version 4. */
  uuid(): string
}
