import type { Crypto } from '../core/crypto.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import { AgentOrigins } from './agent-origins.ts'
import { Interest } from './interest.ts'
import type { MemberCredentials } from './member-credentials.ts'
import type { LocatedOffer } from './members.ts'
import { OfferIndex } from './offer-index.ts'
import { ShardRelays } from './relays.ts'
import { bytesOfHex } from './state-entry.ts'
import type { StateMap } from './state-map.ts'

export interface MemberViewComponents {
  crypto: Crypto
  map: StateMap
  credentials: MemberCredentials
}

export interface MemberViewOptions {
  readonly self: ContextId
  /** Ms between renewals; after two of them without one an entry is stale. */
  readonly period: number
  /** How many the mesh has. */
  readonly shards: number
  /** Whether links may be made to others than the given addresses. */
  readonly dialBeyond: boolean
}

/** What is derived from the map: who is present, who listens, who offers, whose agents. Brought up to date by `refresh`. */
export class MemberView {
  readonly relays: ShardRelays
  readonly #map: StateMap
  readonly #self: ContextId
  readonly #period: number
  readonly #interest: Interest
  readonly #offers: OfferIndex
  readonly #origins: AgentOrigins
  #members: readonly ContextId[] | undefined
  #present: readonly ContextId[] = []
  #isStale = false

  constructor(
    { crypto, map, credentials }: MemberViewComponents,
    { self, period, shards, dialBeyond }: MemberViewOptions,
  ) {
    this.#map = map
    this.#self = self
    this.#period = period
    this.#interest = new Interest(map, shards)
    this.relays = new ShardRelays({ crypto, map, interest: this.#interest }, self, dialBeyond)
    this.#origins = new AgentOrigins(credentials)
    this.#offers = new OfferIndex(map, (agent, context) => this.#origins.isOf(agent, context))
    this.#origins.add(self)
  }

  get present(): readonly ContextId[] {
    return this.#present
  }

  /** Some entry was renewed too long ago to speak for its owner. */
  get isStale(): boolean {
    return this.#isStale
  }

  incarnationOf(context: ContextId): Uint8Array | undefined {
    const entry = this.#map.live(context)
    return entry === undefined ? undefined : bytesOfHex(entry.head.incarnation)
  }

  membershipOf(context: ContextId): Uint8Array | undefined {
    return this.#map.live(context)?.membership
  }

  contextOfAgent(agent: AgentId): ContextId | undefined {
    return this.#origins.contextOf(agent)
  }

  listenersOf(topic: string): readonly ContextId[] {
    return this.#interest.audienceOf(topic, this.#self)
  }

  offersOf(capability: string): readonly LocatedOffer[] {
    return this.#offers.of(capability)
  }

  /** Takes over the changed entries. True when members came or went, or listen to something else. */
  refresh(changed: ReadonlySet<ContextId>, now: number): boolean {
    const { members } = this.#map
    const hasMembers = members !== this.#members
    if (hasMembers) {
      this.#members = members
      this.#present = members.filter((context) => context !== this.#self)
    }
    const hasInterest = this.#interest.refresh(changed)
    // Before the offers, which are only taken of a member's own agents.
    for (const context of changed) this.#noteOrigin(context)
    this.#offers.refresh(changed)
    this.#isStale = this.#present.some((context) => now - this.#map.issuedAt(context) > 2 * this.#period)
    return hasMembers || hasInterest
  }

  #noteOrigin(context: ContextId): void {
    if (this.#map.live(context) !== undefined) this.#origins.add(context)
    else if (context !== this.#self) this.#origins.leave(context)
  }
}
