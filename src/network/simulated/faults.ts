import type { ContextId } from '../../core/ids.ts'

/** Who cannot reach whom. What is sent over a reliable link meanwhile arrives when the way is open again. */
export class Faults {
  #groupOf = new Map<ContextId, number>()
  readonly #holes = new Map<ContextId, Set<ContextId>>()

  /** Cuts the swarm into groups; contexts in none of them are one group more. Replaces an earlier partition. */
  partition(groups: readonly (readonly ContextId[])[]): void {
    this.#groupOf = new Map(groups.flatMap((group, at) => group.map((context) => [context, at] as const)))
  }

  /** What `from` sends to `to` does not arrive; the other direction works. */
  blackhole(from: ContextId, to: ContextId): void {
    const holes = this.#holes.get(from) ?? new Set()
    holes.add(to)
    this.#holes.set(from, holes)
  }

  heal(): void {
    this.#groupOf.clear()
    this.#holes.clear()
  }

  isBlocked(from: ContextId, to: ContextId): boolean {
    if (this.#groupOf.size > 0 && this.#groupOf.get(from) !== this.#groupOf.get(to)) return true
    return this.#holes.get(from)?.has(to) ?? false
  }
}
