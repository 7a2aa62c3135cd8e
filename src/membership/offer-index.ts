import type { AgentId, ContextId } from '../core/ids.ts'
import type { LocatedOffer } from './members.ts'
import type { StateMap } from './state-map.ts'

const NONE: readonly LocatedOffer[] = []

/** Offers of all members by capability, built anew when it is first asked after a change. */
export class OfferIndex {
  readonly #map: StateMap
  readonly #isOf: (agent: AgentId, context: ContextId) => boolean
  #byCapability: Map<string, LocatedOffer[]> | undefined

  /** @param isOf whether the agent is one of this context's own: a call to any other would go elsewhere, and never be answered */
  constructor(map: StateMap, isOf: (agent: AgentId, context: ContextId) => boolean) {
    this.#map = map
    this.#isOf = isOf
  }

  invalidate(): void {
    this.#byCapability = undefined
  }

  of(capability: string): readonly LocatedOffer[] {
    this.#byCapability ??= this.#build()
    return this.#byCapability.get(capability) ?? NONE
  }

  #build(): Map<string, LocatedOffer[]> {
    const index = new Map<string, LocatedOffer[]>()
    for (const context of this.#map.members)
      for (const offer of this.#map.live(context)?.body.offers ?? []) {
        if (!this.#isOf(offer.agent, context)) continue
        const located = { ...offer, context }
        const others = index.get(offer.capability)
        if (others === undefined) index.set(offer.capability, [located])
        else others.push(located)
      }
    return index
  }
}
