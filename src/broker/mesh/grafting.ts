import type { Clock } from '../../core/clock.ts'
import type { Counters } from '../../core/counters.ts'
import type { Gossip } from '../../network/network.ts'

/** Neighbours in a topic's mesh that suffice: what any three lose the fourth still brings. */
export const ENOUGH_GRAFTED = 4

export interface GraftingComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly gossip: Pick<Gossip, 'neighbours' | 'onChange'>
  /** How many members that pass on the topic this context is linked to or is about to link to. */
  neighboursIn(topic: string): number
}

/**
 * Waits until gossip of some topics reaches this context. Members that know of a subscription send at once, and a frame
 * that comes before the neighbours have grafted is lost.
 */
export class Grafting {
  readonly #parts: GraftingComponents

  constructor(components: GraftingComponents) {
    this.#parts = components
  }

  /** Resolves when 4 neighbours, or all there are, have grafted in each of the topics, or after `ms`. */
  wait(topics: readonly string[], ms: number): Promise<void> {
    const { clock, counters, gossip } = this.#parts
    const missing = new Set(topics)
    const look = (topic: string): void => {
      if (missing.has(topic) && this.#isGrafted(topic)) missing.delete(topic)
    }
    for (const topic of topics) look(topic)
    if (missing.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        stop()
        timer.cancel()
        resolve()
      }
      const timer = clock.after(Math.max(0, ms), () => {
        counters.add('broker.gossip.ungrafted', missing.size)
        done()
      })
      const stop = gossip.onChange((topic) => {
        look(topic)
        if (missing.size === 0) done()
      })
    })
  }

  #isGrafted(topic: string): boolean {
    return this.#parts.gossip.neighbours(topic).length >= Math.min(ENOUGH_GRAFTED, this.#parts.neighboursIn(topic))
  }
}
