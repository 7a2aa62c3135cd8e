import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { StateLink } from './state-link.ts'
import type { StateMap } from './state-map.ts'
import type { Ack } from './state-messages.ts'

export interface AckRoutesComponents {
  ports: Ports
  map: StateMap
  links: ReadonlyMap<ContextId, StateLink>
  /** An acknowledgement of the own entry. */
  arrived(by: ContextId, version: number): void
}

/** The ways back of acknowledgements: to the neighbour that brought the present version of an entry. */
export class AckRoutes {
  readonly #parts: AckRoutesComponents
  readonly #self: ContextId
  readonly #via = new Map<ContextId, ContextId>()

  constructor(parts: AckRoutesComponents, self: ContextId) {
    this.#parts = parts
    this.#self = self
  }

  /** @param peer brought the present version of the context's entry */
  cameBy(context: ContextId, peer: ContextId): void {
    this.#via.set(context, peer)
  }

  forget(context: ContextId): void {
    this.#via.delete(context)
  }

  /** Hands an acknowledgement to the owner, or one hop back on the way the entry came. */
  pass(ack: Ack): void {
    const { ports, map, links, arrived } = this.#parts
    const [owner, version, by] = ack
    // Whoever acknowledges has told the neighbour of itself before; others would only fill what is kept of acknowledgements.
    if (map.get(by) === undefined || version > map.versionOf(owner)) {
      ports.counters.add('membership.ack.impossible')
      return
    }
    if (owner === this.#self) {
      arrived(by, version)
      return
    }
    const link = links.get(this.#via.get(owner) ?? '')
    if (link === undefined) ports.counters.add('membership.ack.no-way-back')
    else link.acknowledge(ack)
  }
}
