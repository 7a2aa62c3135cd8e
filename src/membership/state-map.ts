import type { Crypto } from '../core/crypto.ts'
import type { ContextId } from '../core/ids.ts'
import type { StateEntry } from './state-entry.ts'
import { FLAG_LEFT, shortDigest } from './state-entry.ts'

/** Up to so many members all acknowledge every entry and pass on every shard that anybody listens to. */
const SMALL_MESH = 64

/** How an entry that arrived compares with what is held. */
export type Merged = 'newer' | 'same' | 'older'

/**
 * Compares two entries of one context: the higher version wins; of equal versions (two lives of one key) the larger
 * bytes, so that all contexts choose alike whatever came first.
 */
export function compareEntries(a: StateEntry, b: StateEntry): number {
  if (a.head.version !== b.head.version) return a.head.version - b.head.version
  const length = Math.min(a.headBytes.length, b.headBytes.length)
  for (let at = 0; at < length; at += 1) {
    const difference = a.headBytes[at]! - b.headBytes[at]!
    if (difference !== 0) return difference
  }
  return a.headBytes.length - b.headBytes.length
}

interface Held {
  entry: StateEntry
  /** Monotonic ms when the owner issued it, as far as the ages on the way tell. */
  issued: number
}

/**
 * The gossiped map: one entry a context. Applying entries commutes, is associative and idempotent, so any order of
 * arrival ends in the same map. Knows nothing of links or timers; whoever calls tells the time.
 */
export class StateMap {
  readonly #held = new Map<ContextId, Held>()
  readonly #crypto: Crypto
  readonly #self: ContextId
  /** Ms without a renewal after which an entry is absent. */
  readonly lifetime: number
  #live: readonly ContextId[] | undefined
  #liveDigest: string | undefined
  #digest: string | undefined
  #changed = new Set<ContextId>()

  /** @param lifetime the own entry outlives it */
  constructor(crypto: Crypto, self: ContextId, lifetime: number) {
    this.#crypto = crypto
    this.#self = self
    this.lifetime = lifetime
  }

  get(context: ContextId): StateEntry | undefined {
    return this.#held.get(context)?.entry
  }

  /** The entry if its owner is a member now. */
  live(context: ContextId): StateEntry | undefined {
    const entry = this.#held.get(context)?.entry
    return entry === undefined || hasLeft(entry) ? undefined : entry
  }

  versionOf(context: ContextId): number {
    return this.#held.get(context)?.entry.head.version ?? -1
  }

  issuedAt(context: ContextId): number {
    return this.#held.get(context)?.issued ?? Number.NEGATIVE_INFINITY
  }

  get size(): number {
    return this.#held.size
  }

  /** Every context with an entry, those that have left included. */
  get contexts(): Iterable<ContextId> {
    return this.#held.keys()
  }

  apply(entry: StateEntry, issued: number): Merged {
    const { context } = entry.head
    const held = this.#held.get(context)
    const order = held === undefined ? 1 : compareEntries(entry, held.entry)
    if (order === 0 && held !== undefined) held.issued = Math.min(held.issued, issued)
    if (order <= 0) return order === 0 ? 'same' : 'older'
    this.#held.set(context, { entry, issued })
    this.#changed.add(context)
    const isMember = !hasLeft(entry)
    if (isMember !== (held !== undefined && !hasLeft(held.entry))) this.#membersChanged()
    this.#digest = undefined
    return 'newer'
  }

  /** Forgets entries that were not renewed in time; returns whose. */
  expire(now: number): ContextId[] {
    const gone: ContextId[] = []
    for (const [context, { issued }] of this.#held)
      if (context !== this.#self && now - issued > this.lifetime) gone.push(context)
    for (const context of gone) {
      this.#held.delete(context)
      this.#changed.add(context)
    }
    if (gone.length > 0) {
      this.#membersChanged()
      this.#digest = undefined
    }
    return gone
  }

  /**
   * Whose entries came, changed or went since this was asked last, so that what is derived from the map costs by what
   * changed and not by how many members there are.
   */
  takeChanged(): ReadonlySet<ContextId> {
    const changed = this.#changed
    if (changed.size > 0) this.#changed = new Set()
    return changed
  }

  /** Members now, the own context included, sorted. */
  get members(): readonly ContextId[] {
    this.#live ??= [...this.#held.values()]
      .filter(({ entry }) => !hasLeft(entry))
      .map(({ entry }) => entry.head.context)
      .sort()
    return this.#live
  }

  /** Whether there are too many for all to acknowledge every entry and to pass on every shard. */
  get isLarge(): boolean {
    return this.members.length > SMALL_MESH
  }

  /** Of the set of members: equal at two contexts that know the same ones. */
  get memberDigest(): string {
    this.#liveDigest ??= shortDigest(this.#crypto, encoder.encode(this.members.join('\n')))
    return this.#liveDigest
  }

  /** Of all contexts with their versions: equal at two contexts that hold the same map. */
  get digest(): string {
    this.#digest ??= shortDigest(this.#crypto, encoder.encode(JSON.stringify(this.versions().sort())))
    return this.#digest
  }

  #membersChanged(): void {
    this.#live = undefined
    this.#liveDigest = undefined
  }

  versions(): [ContextId, number][] {
    return [...this.#held].map(([context, { entry }]) => [context, entry.head.version])
  }
}

const encoder = new TextEncoder()
export const hasLeft = (entry: StateEntry): boolean => (entry.head.flags & FLAG_LEFT) !== 0
