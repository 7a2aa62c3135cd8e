import type { AgentId, ContextId } from '../core/ids.ts'
import type { LocatedOffer, Offer } from './members.ts'
import type { StateMap } from './state-map.ts'

const NONE: readonly LocatedOffer[] = []

/** What was taken in of a member: the very array of its entry, which stays the same while only the head is renewed. */
interface Taken {
  readonly offers: readonly Offer[]
  readonly capabilities: ReadonlySet<string>
}

/**
 * Offers of all members by capability. A changed entry costs by what its owner offers, and a renewed one nothing: in a mesh
 * of 64 somebody renews six times a second.
 */
export class OfferIndex {
  readonly #map: StateMap
  readonly #isOf: (agent: AgentId, context: ContextId) => boolean
  readonly #taken = new Map<ContextId, Taken>()
  readonly #byCapability = new Map<string, Map<ContextId, readonly LocatedOffer[]>>()
  /** Of those asked for since somebody's offers of them changed. */
  readonly #lists = new Map<string, readonly LocatedOffer[]>()

  /** @param isOf whether the agent is one of this context's own: a call to any other would go elsewhere, and never be answered */
  constructor(map: StateMap, isOf: (agent: AgentId, context: ContextId) => boolean) {
    this.#map = map
    this.#isOf = isOf
  }

  /** Takes over the entries of some contexts from the map. */
  refresh(changed: Iterable<ContextId>): void {
    for (const context of changed) {
      const offers = this.#map.live(context)?.body.offers
      if (this.#taken.get(context)?.offers === offers) continue
      this.#remove(context)
      if (offers !== undefined) this.#add(context, offers)
    }
  }

  /** The same array while nothing changed; by context, in the order in which each announced its own. */
  of(capability: string): readonly LocatedOffer[] {
    const known = this.#lists.get(capability)
    if (known !== undefined) return known
    const byContext = this.#byCapability.get(capability)
    if (byContext === undefined) return NONE
    const list = [...byContext].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, offers]) => offers)
    this.#lists.set(capability, list)
    return list
  }

  #add(context: ContextId, offers: readonly Offer[]): void {
    const parts = new Map<string, LocatedOffer[]>()
    for (const offer of offers) {
      if (!this.#isOf(offer.agent, context)) continue
      const located = { ...offer, context }
      const part = parts.get(offer.capability)
      if (part === undefined) parts.set(offer.capability, [located])
      else part.push(located)
    }
    for (const [capability, part] of parts) {
      this.#lists.delete(capability)
      const byContext = this.#byCapability.get(capability)
      if (byContext === undefined) this.#byCapability.set(capability, new Map([[context, part]]))
      else byContext.set(context, part)
    }
    this.#taken.set(context, { offers, capabilities: new Set(parts.keys()) })
  }

  #remove(context: ContextId): void {
    for (const capability of this.#taken.get(context)?.capabilities ?? []) {
      this.#lists.delete(capability)
      const byContext = this.#byCapability.get(capability)
      byContext?.delete(context)
      if (byContext?.size === 0) this.#byCapability.delete(capability)
    }
    this.#taken.delete(context)
  }
}
