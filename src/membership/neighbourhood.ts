import type { Clock } from '../core/clock.ts'
import type { Crypto } from '../core/crypto.ts'
import type { ContextId } from '../core/ids.ts'
import { Ring } from './neighbours.ts'
import type { ShardRelays } from './relays.ts'
import type { StateMap } from './state-map.ts'
import type { MembershipTiming } from './timing.ts'

export interface NeighbourhoodComponents {
  clock: Clock
  crypto: Crypto
  map: StateMap
  relays: Pick<ShardRelays, 'byShard' | 'shards'>
  timing: Pick<MembershipTiming, 'period'>
}

/** Relays of a shard that somebody who only publishes in it links to: what any three lose the fourth still brings. */
const ENTRANCES = 4
/** Periods for which those links are kept after the last frame: the other ends keep them for two. */
const SOUGHT_PERIODS = 1.5

/**
 * Whom this context should be linked to: its neighbours on the ring of all members and, in a mesh too large for everybody
 * to pass on everything, those on the ring of each shard that it passes on, and entrances to shards that it publishes in.
 */
export class Neighbourhood {
  readonly #parts: NeighbourhoodComponents
  readonly #self: ContextId
  readonly #ring: Ring
  readonly #shardRings = new Map<number, Ring>()
  /** Kept as long as the set of those who pass on a shard is the same: another member somewhere changes few. */
  #ringOf: ReadonlyMap<ReadonlySet<ContextId>, Ring> = new Map()
  /** Shards that this context publishes in without passing them on, and until when. */
  readonly #sought = new Map<number, number>()
  readonly #entrances = new Map<number, readonly ContextId[]>()
  #members: readonly ContextId[] | undefined
  #byShard: ShardRelays['byShard']
  #chosen: ReadonlySet<ContextId> = new Set()
  #isStale = true

  constructor(components: NeighbourhoodComponents, self: ContextId) {
    this.#parts = components
    this.#self = self
    this.#ring = new Ring(components.crypto)
  }

  /** Whom this context dials. */
  get chosen(): ReadonlySet<ContextId> {
    return this.#chosen
  }

  /** Those of the chosen that are chosen for the shard. */
  chosenIn(shard: number): Iterable<ContextId> {
    return this.#shardRings.get(shard)?.chosenBy(this.#self) ?? this.#entrances.get(shard) ?? []
  }

  /** Whether one of the two should dial the other. */
  has(peer: ContextId): boolean {
    return this.#chosen.has(peer) || this.#rings().some((ring) => ring.areNeighbours(this.#self, peer))
  }

  /** Whether the peer surely dials this context as well as this one the peer. */
  isMutual(peer: ContextId): boolean {
    return this.#rings().some((ring) => ring.isFullMesh && ring.areNeighbours(this.#self, peer))
  }

  /** Chooses entrances to the shard for a while (15 s) from now on; true when it had none. */
  seek(shard: number): boolean {
    if (this.#parts.relays.byShard === undefined) return false
    const isNew = !this.#sought.has(shard)
    const { clock, timing } = this.#parts
    this.#sought.set(shard, clock.monotonic() + SOUGHT_PERIODS * timing.period)
    this.#isStale ||= isNew
    return isNew
  }

  /** Takes over who is there and who listens to what now. */
  refresh(): void {
    this.#forgetSought()
    const { map, relays } = this.#parts
    const { members } = map
    const { byShard } = relays
    if (members === this.#members && byShard === this.#byShard && !this.#isStale) return
    if (members !== this.#members) this.#ring.set([...new Set([...members, this.#self])])
    this.#members = members
    this.#byShard = byShard
    this.#isStale = false
    this.#lookAtShards()
    const chosen = new Set(this.#ring.chosenBy(this.#self))
    for (const shard of [...this.#shardRings.keys(), ...this.#entrances.keys()])
      for (const peer of this.chosenIn(shard)) chosen.add(peer)
    this.#chosen = chosen
  }

  #rings(): readonly Ring[] {
    return [this.#ring, ...new Set(this.#shardRings.values())]
  }

  #lookAtShards(): void {
    const byShard = this.#byShard
    this.#shardRings.clear()
    this.#entrances.clear()
    const before = this.#ringOf
    const rings = new Map<ReadonlySet<ContextId>, Ring>()
    this.#ringOf = rings
    if (byShard === undefined) {
      this.#sought.clear()
      return
    }
    const ringOf = (shard: number): Ring => {
      const relays = byShard[shard]!
      const ring = rings.get(relays) ?? before.get(relays) ?? this.#ring.among([...relays])
      rings.set(relays, ring)
      return ring
    }
    for (const shard of this.#parts.relays.shards) this.#shardRings.set(shard, ringOf(shard))
    for (const shard of this.#sought.keys())
      if (!this.#shardRings.has(shard)) this.#entrances.set(shard, ringOf(shard).drawnBy(this.#self, ENTRANCES))
  }

  #forgetSought(): void {
    const now = this.#parts.clock.monotonic()
    for (const [shard, until] of this.#sought) {
      if (until > now) continue
      this.#sought.delete(shard)
      this.#isStale = true
    }
  }
}
