import { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { AckRoutes } from './ack-routes.ts'
import { EntryVerifier } from './entry-verifier.ts'
import type { MemberCredentials } from './member-credentials.ts'
import { OwnerPace } from './owner-pace.ts'
import type { StateEntry, StateHead } from './state-entry.ts'
import { type StateLink, wantsAcknowledgement } from './state-link.ts'
import { hasLeft, type StateMap } from './state-map.ts'
import type { EntryRecord } from './state-messages.ts'

export interface EntryIntakeComponents {
  readonly ports: Ports
  readonly credentials: MemberCredentials
  readonly map: StateMap
  readonly links: ReadonlyMap<ContextId, StateLink>
  readonly acks: AckRoutes
}

export interface EntryIntakeEvents {
  /** Somebody relayed an entry of this context that is not its present one; the signature is good. */
  ownSeen(head: StateHead): void
  /** A member said that it leaves. */
  left(context: ContextId): void
  /** An entry was taken that had to wait: what follows from a message follows now. */
  takenLate(): void
}

/** Takes entries that neighbours tell: judged, into the map, and on to those who lack them. */
export class EntryIntake {
  readonly #parts: EntryIntakeComponents
  readonly #self: ContextId
  readonly #events: EntryIntakeEvents
  readonly #pace: OwnerPace
  readonly #verifier: EntryVerifier

  constructor(parts: EntryIntakeComponents, self: ContextId, events: EntryIntakeEvents) {
    this.#parts = parts
    this.#self = self
    this.#events = events
    this.#pace = new OwnerPace(parts.ports)
    this.#verifier = new EntryVerifier({ ...parts, pace: this.#pace })
  }

  /** False when the neighbour forges: it is heard no further. */
  take(link: StateLink, record: EntryRecord): boolean {
    const { map } = this.#parts
    const judged = this.#verifier.judge(record)
    if (judged.outcome === 'refused') {
      if (judged.isForged) link.stream.abort(new AmcpError('ERR_SIGNATURE_INVALID', 'passed on what nobody signed'))
      else if (judged.head !== undefined) link.arrived(judged.head.context, judged.head.version)
      return !judged.isForged
    }
    const { context, version, body, membership } = judged.head
    if (judged.outcome === 'early') {
      this.#pace.hold(context, version, (waited) => {
        this.take(link, { ...record, age: record.age + waited })
        this.#events.takenLate()
      })
      return true
    }
    // Any key can sign a head: what is not in the map, or about to be, may not fill what is remembered of the link.
    if (judged.outcome === 'new' || map.get(context) !== undefined) link.learn(context, version, body, membership)
    link.arrived(context, version)
    if (context === this.#self) {
      if (judged.outcome !== 'known') this.#events.ownSeen(judged.head)
    } else if (judged.outcome === 'new') this.#apply(link, judged.entry, judged.age)
    else if (judged.outcome === 'incomplete') link.want(context)
    else link.tell(context)
    return true
  }

  forget(context: ContextId): void {
    this.#pace.forget(context)
  }

  stop(): void {
    this.#pace.stop()
  }

  #apply(link: StateLink, entry: StateEntry, age: number): void {
    const { ports, map, links, acks } = this.#parts
    const { context, version } = entry.head
    if (age > map.lifetime) {
      // Absent here already: taking it back would let two contexts keep a dead one alive between them.
      ports.counters.add('membership.entry.too-old')
      return
    }
    if (map.apply(entry, ports.clock.monotonic() - age) !== 'newer') {
      link.tell(context)
      return
    }
    const { peer } = link.stream
    acks.cameBy(context, peer)
    if (hasLeft(entry)) this.#events.left(context)
    const isOurs = !map.isLarge || peer === context
    // It may have waited, and its neighbour have come by a new stream since.
    if (wantsAcknowledgement(entry) && isOurs) (links.get(peer) ?? link).acknowledge([context, version, this.#self])
    for (const other of links.values()) {
      other.arrived(context, version)
      if (other !== link) other.tell(context)
    }
  }
}
