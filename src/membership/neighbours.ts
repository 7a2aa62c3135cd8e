import type { Crypto } from '../core/crypto.ts'
import type { ContextId } from '../core/ids.ts'

/** Up to so many members everybody links to everybody. */
export const FULL_MESH = 8
/** Members that come after one on the ring and are dialled by it, so that all have at least twice as many links. */
const SUCCESSORS = 2

interface Placed {
  readonly member: ContextId
  /** 32 bits of the hash of its id: its place on the ring. */
  readonly place: number
}

/**
 * Whom each context should be linked to, as a pure function of who is there, so that all members compute the same links
 * without talking. Above a handful the members form a ring in the order of their hashes. Each one dials the next two,
 * and as many others as the logarithm of the number of members asks for, chosen by hash: at least 4 neighbours for
 * everybody, about 6 among 20 and 8 among 100, a mesh that stays whole when any three fail, and a few hops from end to
 * end. No choice depends on how many others there are, so a member that comes or goes changes the links of few.
 */
export class Ring {
  readonly #crypto: Crypto
  readonly #places = new Map<ContextId, number>()
  readonly #chosen = new Map<ContextId, ReadonlySet<ContextId>>()
  #ring: readonly Placed[] = []

  constructor(crypto: Crypto) {
    this.#crypto = crypto
  }

  /** Takes over who is there now. */
  set(members: readonly ContextId[]): void {
    this.#place(members, this.#places)
  }

  /** The ring of some of the members; the more two of them have in common, the more links serve both. */
  among(some: readonly ContextId[]): Ring {
    const ring = new Ring(this.#crypto)
    ring.#place(some, this.#places)
    return ring
  }

  /** Those whom a member dials; nobody for a context that is no member. */
  chosenBy(member: ContextId): ReadonlySet<ContextId> {
    let chosen = this.#chosen.get(member)
    if (chosen === undefined) {
      chosen = this.#choose(member)
      this.#chosen.set(member, chosen)
    }
    return chosen
  }

  /** Whether all members link to each other, so that each link has two who dial it. */
  get isFullMesh(): boolean {
    return this.#ring.length <= FULL_MESH
  }

  /** Whether one of the two should dial the other. */
  areNeighbours(one: ContextId, other: ContextId): boolean {
    return this.chosenBy(one).has(other) || this.chosenBy(other).has(one)
  }

  /** The first members at or after a share of the way around the ring, 0 to 1. */
  from(share: number, count: number): readonly ContextId[] {
    const ring = this.#ring
    const next = ring.findIndex((one) => one.place >= share * 2 ** 32)
    const first = next === -1 ? 0 : next
    return Array.from({ length: Math.min(count, ring.length) }, (_, step) => ring[(first + step) % ring.length]!.member)
  }

  /** Some of the members, chosen by hash for somebody who need not be one: each of them is chosen by as many. */
  drawnBy(context: ContextId, count: number): readonly ContextId[] {
    return this.#drawn(this.#places.get(context) ?? this.#placeOf(context), count)
  }

  #choose(member: ContextId): ReadonlySet<ContextId> {
    const ring = this.#ring
    const at = ring.findIndex((one) => one.member === member)
    if (at === -1) return new Set()
    if (this.isFullMesh) return new Set(ring.filter((one) => one.member !== member).map((one) => one.member))
    const chosen = new Set<ContextId>()
    for (let step = 1; step <= SUCCESSORS; step += 1) chosen.add(ring[(at + step) % ring.length]!.member)
    const enough = SUCCESSORS + Math.max(1, Math.floor(Math.log2(ring.length)) - 4)
    // As many as are wanted, though this member itself and its successors be among them.
    for (const far of this.#drawn(ring[at]!.place, enough + 1))
      if (far !== member && chosen.size < enough) chosen.add(far)
    return chosen
  }

  /** Those of the smallest rank, in its order. Without sorting all: done for each pair of a link's ends, and on each change. */
  #drawn(place: number, count: number): readonly ContextId[] {
    const least: { readonly member: ContextId; readonly rank: number }[] = []
    for (const { member, place: their } of this.#ring) {
      const rank = mixed(place, their)
      if (least.length === count && rank >= least[count - 1]!.rank) continue
      if (least.length === count) least.pop()
      let at = least.length
      while (at > 0 && least[at - 1]!.rank > rank) at -= 1
      least.splice(at, 0, { member, rank })
    }
    return least.map(({ member }) => member)
  }

  #place(members: readonly ContextId[], known: ReadonlyMap<ContextId, number>): void {
    const placed = members.map((member) => ({ member, place: known.get(member) ?? this.#placeOf(member) }))
    this.#places.clear()
    this.#chosen.clear()
    for (const { member, place } of placed) this.#places.set(member, place)
    this.#ring = placed.sort((a, b) => a.place - b.place || (a.member < b.member ? -1 : 1))
  }

  #placeOf(name: string): number {
    const hash = this.#crypto.sha256(encoder.encode(name))
    return new DataView(hash.buffer, hash.byteOffset).getUint32(0)
  }
}

const encoder = new TextEncoder()

/** 32 bits that look random for each ordered pair, by the finalizer of MurmurHash3. */
function mixed(one: number, other: number): number {
  let hash = one ^ Math.imul(other, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
