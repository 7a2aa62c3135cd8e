import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { Network } from '../network/network.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import type { StateMap } from './state-map.ts'

/** Links that suffice to learn of all members: what any three lose the fourth still brings. */
export const ENOUGH_LINKS = 4

export interface SpareLinksComponents {
  ports: Ports
  network: Network
  map: StateMap
  neighbourhood: Neighbourhood
}

/** Ends links that others or the broker made and that no end has chosen or used for a while. */
export class SpareLinks {
  readonly #parts: SpareLinksComponents
  readonly #holders: ((peer: ContextId) => boolean)[] = []
  /** As the last pruning found them. */
  #idle: ReadonlySet<ContextId> = new Set()

  constructor(components: SpareLinksComponents) {
    this.#parts = components
  }

  /** Keeps links that are used: `Members.holdLinks`. */
  hold(isUsed: (peer: ContextId) => boolean): void {
    this.#holders.push(isUsed)
  }

  /**
   * A link goes when it was found idle twice in a row, so that the other end, whose map may be newer, has had time to
   * choose it. None goes while links that should be are missing, unless enough others stay: a member that cannot be
   * dialled must not make those who have chosen it keep whatever link they ever made.
   */
  prune(): void {
    const { network, neighbourhood } = this.#parts
    // Every holder is asked, since each remembers what it has said.
    const isUsed = (peer: ContextId): boolean => this.#holders.filter((holds) => holds(peer)).length > 0
    const idle = new Set(network.peers.filter((peer) => !isUsed(peer) && this.#isSpare(peer)))
    const staying = network.peers.filter((peer) => network.isAdmitted(peer) && !idle.has(peer)).length
    const isWhole = neighbourhood.chosen.values().every((peer) => network.isAdmitted(peer))
    if (isWhole || staying >= ENOUGH_LINKS) for (const peer of idle) if (this.#idle.has(peer)) this.#end(peer)
    this.#idle = idle
  }

  /** Linked to by chance: to join, for a direct lane, for a search, or by a choice among other members. */
  #isSpare(peer: ContextId): boolean {
    return this.#parts.map.live(peer) !== undefined && !this.#parts.neighbourhood.has(peer)
  }

  #end(peer: ContextId): void {
    const { ports, network } = this.#parts
    ports.counters.add('membership.link.spare-ended')
    network.disconnect(peer).catch((error: unknown) => {
      ports.counters.add('membership.link.end-failed')
      ports.logger.debug({ peer, error: String(error) }, 'a spare link could not be ended')
    })
  }
}
