import { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import { closeBy } from '../network/close-by.ts'
import type { MessageStream, Network } from '../network/network.ts'
import { AckRoutes } from './ack-routes.ts'
import { type Greeted, isConverged } from './convergence.ts'
import { EntryIntake } from './entry-intake.ts'
import type { MemberCredentials } from './member-credentials.ts'
import type { SignOfLife } from './sign-of-life.ts'
import { hexOf, type StateHead } from './state-entry.ts'
import { StateLink } from './state-link.ts'
import type { StateMap } from './state-map.ts'
import type { StateMessage } from './state-messages.ts'
import { decodeMessage, STATE_MESSAGE_LIMIT, STATE_PROTOCOL } from './state-messages.ts'
import { StateOpener } from './state-opener.ts'
import type { MembershipTiming } from './timing.ts'

export interface StateExchangeComponents {
  ports: Ports
  network: Network
  credentials: MemberCredentials
  map: StateMap
}

export interface StateExchangeEvents {
  /** Entries came or a neighbour's digest or the set of links changed; once a message. */
  changed(): void
  acknowledged(by: ContextId, version: number): void
  /** This process's answer to a challenge. */
  signLife(nonce: string): SignOfLife
  /** Somebody relayed an entry of this context that is not its present one; the signature is good. */
  ownSeen(head: StateHead): void
}

/** Of one neighbour at once: a new one takes over from the one before, which may still be closing. */
const STREAM_LIMIT = 4

/**
 * Spreads the map over one long-lived stream a link. Both ends begin with a summary and push what the other lacks;
 * later each new entry goes to all neighbours at the end of the turn, and acknowledgements go back hop by hop to the
 * neighbour that brought the entry first.
 */
export class StateExchange {
  readonly #ports: Ports
  readonly #map: StateMap
  readonly #timing: MembershipTiming
  readonly #events: StateExchangeEvents
  readonly #links = new Map<ContextId, StateLink>()
  /** Admitted peers with what they said in their hello. */
  readonly #admitted = new Map<ContextId, Greeted>()
  readonly #acks: AckRoutes
  readonly #intake: EntryIntake
  readonly #opener: StateOpener
  #isFlushing = false
  #isStopped = false

  constructor(components: StateExchangeComponents, timing: MembershipTiming, events: StateExchangeEvents) {
    const { ports, network, credentials, map } = components
    this.#ports = ports
    this.#map = map
    this.#timing = timing
    this.#events = events
    const arrived = (by: ContextId, version: number): void => events.acknowledged(by, version)
    this.#acks = new AckRoutes({ ports, map, links: this.#links, arrived }, network.id)
    this.#intake = new EntryIntake({ ports, credentials, map, links: this.#links, acks: this.#acks }, network.id, {
      ownSeen: (head) => events.ownSeen(head),
      left: (context) => this.#admitted.delete(context),
      takenLate: () => this.#follow(),
    })
    const isMissing = (peer: ContextId): boolean => this.#admitted.has(peer) && !this.#links.has(peer)
    const opened = (stream: MessageStream): void => this.#accept(stream)
    this.#opener = new StateOpener({ ports, network, isMissing, opened }, timing)
    const limits = { messageLimit: STATE_MESSAGE_LIMIT, streamLimit: STREAM_LIMIT }
    network.streams.handle(STATE_PROTOCOL, (stream) => this.#accept(stream), limits)
  }

  get neighbours(): readonly ContextId[] {
    return [...this.#links.keys()]
  }

  /** Nobody linked knows of members or entries that are not known here. */
  get isConverged(): boolean {
    return isConverged(this.#map, this.#admitted, this.#links)
  }

  /** Some link has exchanged all it had. */
  get isSynced(): boolean {
    for (const link of this.#links.values()) if (link.isSynced) return true
    return false
  }

  /** The incarnation a neighbour said hello with, while its state stream is open. */
  incarnationOf(peer: ContextId): string | undefined {
    return this.#links.get(peer)?.incarnation
  }

  challenge(peer: ContextId, nonce: string): Promise<SignOfLife | undefined> {
    return this.#links.get(peer)?.challenge(this.#ports, nonce, this.#timing.hello / 4) ?? Promise.resolve(undefined)
  }

  /** Told once a hello: both ends may have begun one, and the stream of the first must not be replaced then. */
  admitted(peer: ContextId, hello: Greeted): void {
    const isKnown = this.#admitted.get(peer)?.incarnation === hello.incarnation
    this.#admitted.set(peer, { incarnation: hello.incarnation, members: hello.members })
    if (!isKnown) {
      this.#close(peer)
      this.#opener.open(peer)
    }
    this.#events.changed()
  }

  disconnected(peer: ContextId): void {
    this.#admitted.delete(peer)
    this.#opener.forget(peer)
    this.#close(peer)
    this.#events.changed()
  }

  /** Tells all neighbours of an entry, the own one included, at the end of the turn. */
  spread(context: ContextId): void {
    for (const link of this.#links.values()) link.tell(context)
    this.flushSoon()
  }

  forget(contexts: readonly ContextId[]): void {
    for (const context of contexts) {
      this.#acks.forget(context)
      this.#intake.forget(context)
      for (const link of this.#links.values()) link.forget(context)
    }
    this.flushSoon()
  }

  /** The periodic digest: finds what a lost message or an old fault left different. Behind the entries of this turn. */
  exchangeDigests(): void {
    for (const link of this.#links.values()) link.compareMaps()
    this.flushSoon()
  }

  flushSoon(): void {
    if (this.#isFlushing) return
    this.#isFlushing = true
    this.#ports.clock.endOfTurn(() => this.flush())
  }

  flush(): void {
    this.#isFlushing = false
    for (const link of this.#links.values()) this.#flush(link)
  }

  #flush(link: StateLink): void {
    link.flush(this.#map, this.#ports.clock.monotonic())
  }

  /**
   * Resolves when every neighbour has read what was sent to it on any stream of its link, since a link keeps its order:
   * each is asked a question and answers, or does not within `ms`. For a stop that loses nothing.
   */
  async settled(ms: number): Promise<void> {
    this.flush()
    const ask = (link: StateLink) => link.challenge(this.#ports, hexOf(this.#ports.random.bytes(16)), ms)
    const answers = await Promise.all([...this.#links.values()].map(ask))
    this.#ports.counters.add('membership.stop.unanswered', answers.filter((answer) => !answer).length)
  }

  /** @param by reading of the clock at which what does not close is broken off */
  async stop(by: number): Promise<void> {
    this.#isStopped = true
    this.#opener.stop()
    this.#intake.stop()
    this.flush()
    await Promise.all([...this.#links.values()].map(({ stream }) => closeBy(this.#ports, by, stream)))
  }

  #accept(stream: MessageStream): void {
    const { peer } = stream
    const hello = this.#admitted.get(peer)
    if (this.#isStopped || hello === undefined) {
      stream.abort(new AmcpError('ERR_PROTOCOL_REFUSED', `no hello from ${peer} yet`))
      return
    }
    this.#close(peer)
    const link = new StateLink(stream, hello.incarnation, this.#ports, (drained) => this.#flush(drained))
    this.#links.set(peer, link)
    stream.onMessage((bytes) => this.#receive(link, bytes))
    stream.onClose(() => {
      link.closed()
      if (this.#links.get(peer) !== link) return
      this.#links.delete(peer)
      this.#events.changed()
      this.#opener.reopen(peer)
    })
    link.begin(this.#map)
    this.#events.changed()
  }

  #close(peer: ContextId): void {
    const link = this.#links.get(peer)
    if (link === undefined) return
    this.#links.delete(peer)
    link.closed()
    link.stream.abort(new AmcpError('ERR_STREAM_CLOSED', 'the link ended or a newer stream took over'))
  }

  #receive(link: StateLink, bytes: Uint8Array): void {
    if (this.#links.get(link.stream.peer) !== link) return
    let message: StateMessage
    try {
      message = decodeMessage(bytes)
    } catch (error) {
      this.#ports.counters.add('membership.state.malformed')
      link.stream.abort(error as AmcpError)
      return
    }
    if (link.mayCost(message, this.#map)) this.#handle(link, message)
    else this.#ports.counters.add('membership.state.rate')
  }

  #handle(link: StateLink, message: StateMessage): void {
    switch (message.t) {
      case 'entries':
        for (const record of message.records) if (!this.#intake.take(link, record)) break
        break
      case 'summary':
        link.members = message.members
        link.summary(message.versions, this.#map)
        break
      case 'digest':
        link.members = message.members
        if (message.map !== '' && message.map !== this.#map.digest) link.oweSummary()
        break
      case 'want':
        for (const context of message.contexts) if (this.#map.get(context) !== undefined) link.tellInFull(context)
        break
      case 'acks':
        for (const ack of message.acks) this.#acks.pass(ack)
        this.flushSoon()
        return
      case 'challenge':
        link.say({ t: 'alive', nonce: message.nonce, alive: this.#events.signLife(message.nonce) })
        return
      case 'alive':
        link.answered(this.#ports.crypto, message.nonce, message.alive)
        return
    }
    this.#follow()
  }

  /** What is to be done after the map or what a neighbour told of its own has changed. */
  #follow(): void {
    this.flushSoon()
    this.#events.changed()
  }
}
