import type { Crypto } from '../core/crypto.ts'
import type { ContextId } from '../core/ids.ts'
import type { Interest } from './interest.ts'
import type { Relays } from './members.ts'
import { Ring } from './neighbours.ts'
import type { StateMap } from './state-map.ts'

export interface ShardRelaysComponents {
  crypto: Crypto
  map: StateMap
  interest: Interest
}

type ByShard = readonly ReadonlySet<ContextId>[]

/**
 * Of so many members one passes on a shard, at least: with 4 links each, all may publish in it by some 32 links a relay.
 * Each helps in as many shards as others, but the ring has only so many places where helpers begin: whoever publishes or
 * listens in all shards meets the same ones again in every eighth, instead of everybody.
 */
const MEMBERS_A_RELAY = 8

/**
 * Who passes on which shard, as a pure function of what all members announced. Where few listen others help, those that
 * come next on the ring after a place that the shard shares with every eighth: a listener that is alone with a thousand publishers is not linked to
 * all of them.
 */
export class ShardRelays implements Relays {
  readonly #parts: ShardRelaysComponents
  readonly #self: ContextId
  readonly #dialBeyond: boolean
  readonly #ring: Ring
  #members: readonly ContextId[] | undefined
  #listeners: ByShard | undefined
  /** Who helps where few listen, by the remainder that the shard leaves. */
  #helpers: readonly (readonly ContextId[])[] = []
  #byShard: ByShard = []
  #own: ReadonlySet<number> = new Set()

  /** @param dialBeyond false: on a line everybody passes on everything, since nobody may link to whom a shard asks for */
  constructor(components: ShardRelaysComponents, self: ContextId, dialBeyond: boolean) {
    this.#parts = components
    this.#self = self
    this.#dialBeyond = dialBeyond
    this.#ring = new Ring(components.crypto)
  }

  /**
   * By shard, this context included, each the same set while nobody in it changes; undefined while everybody passes on
   * everything that is listened to.
   */
  get byShard(): ByShard | undefined {
    const { map, interest } = this.#parts
    if (!(this.#dialBeyond && map.isLarge)) return undefined
    const { members } = map
    const listeners = interest.byShard
    if (members === this.#members && listeners === this.#listeners) return this.#byShard
    const before = this.#helpers
    if (members !== this.#members) this.#findHelpers(members)
    this.#byShard = listeners.map((some, shard) => {
      const helpers = this.#helpers[shard % MEMBERS_A_RELAY]!
      const isSame = some === this.#listeners?.[shard] && helpers === before[shard % MEMBERS_A_RELAY]
      return isSame ? this.#byShard[shard]! : withHelp(some, helpers)
    })
    this.#members = members
    this.#listeners = listeners
    this.#own = new Set(this.#byShard.keys().filter((shard) => this.#byShard[shard]!.has(this.#self)))
    return this.#byShard
  }

  get shards(): ReadonlySet<number> {
    return this.byShard === undefined ? this.#parts.interest.shards : this.#own
  }

  has(context: ContextId, shard: number): boolean {
    const { map, interest } = this.#parts
    const { byShard } = this
    if (byShard !== undefined) return byShard[shard]?.has(context) ?? false
    return interest.shards.has(shard) && map.live(context) !== undefined
  }

  hasOther(shard: number): boolean {
    const { map, interest } = this.#parts
    const { byShard } = this
    if (byShard === undefined) return interest.shards.has(shard) && map.members.length > 1
    const relays = byShard[shard]
    return relays !== undefined && relays.size > (relays.has(this.#self) ? 1 : 0)
  }

  #findHelpers(members: readonly ContextId[]): void {
    this.#ring.set(members)
    const enough = Math.ceil(members.length / MEMBERS_A_RELAY)
    this.#helpers = Array.from({ length: MEMBERS_A_RELAY }, (_, group) => {
      const before = this.#helpers[group]
      const now = this.#ring.from(group / MEMBERS_A_RELAY, enough)
      return before?.length === enough && now.every((helper, at) => helper === before[at]) ? before : now
    })
  }
}

function withHelp(listeners: ReadonlySet<ContextId>, helpers: readonly ContextId[]): ReadonlySet<ContextId> {
  const enough = helpers.length
  if (listeners.size === 0 || listeners.size >= enough) return listeners
  const relays = new Set(listeners)
  for (const helper of helpers) if (relays.size < enough) relays.add(helper)
  return relays
}
