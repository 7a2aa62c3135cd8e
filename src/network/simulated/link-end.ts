import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Environment } from './conditions.ts'
import type { GossipMessage } from './gossip-message.ts'
import { Wire } from './wire.ts'

/** One half of a stream, as the link and the other half know it. */
export interface StreamHalf {
  /** The other end has accepted, by this half. */
  join(other: StreamHalf): void
  arrive(message: Uint8Array, taken: () => void): void
  /** The other half has closed: nothing more comes. */
  remoteClosed(): void
  /** The other half, or the link, broke off. */
  broken(reason: Error): void
  /** This half's context crashed. */
  vanish(): void
}

/** The context at an end of a link. */
export interface LinkOwner {
  readonly id: ContextId
  linkUp(end: LinkEnd): void
  linkDown(end: LinkEnd): void
  /** Both ends have admitted each other. */
  linkOpened(end: LinkEnd): void
  takeGossip(end: LinkEnd, message: GossipMessage): void
  /** Answers a stream that the other end opens; `answered` is run there. */
  answerStream(end: LinkEnd, protocol: string, opener: StreamHalf, answered: (isServed: boolean) => void): void
}

/** Bytes of a message that only controls. */
const CONTROL = 64

/** A link as the context at one of its ends sees it. */
export class LinkEnd {
  readonly owner: LinkOwner
  readonly peer: ContextId
  readonly streams: Set<StreamHalf> = new Set()
  readonly wire: Wire
  /** Gossip bytes under way to the other end. */
  backlog = 0
  #other!: LinkEnd
  readonly #environment: Environment
  #isUp = false
  #isOver = false
  #isAdmitted = false
  #isAdmittedThere = false

  private constructor(environment: Environment, owner: LinkOwner, peer: ContextId) {
    this.#environment = environment
    this.owner = owner
    this.peer = peer
    this.wire = new Wire(environment, owner.id, peer)
  }

  /** Both ends of a new link; each is brought up by `up`. */
  static pair(environment: Environment, one: LinkOwner, other: LinkOwner): readonly [LinkEnd, LinkEnd] {
    const near = new LinkEnd(environment, one, other.id)
    const far = new LinkEnd(environment, other, one.id)
    near.#other = far
    far.#other = near
    return [near, far]
  }

  /** Closed, broken or vanished; never up again. */
  get isOver(): boolean {
    return this.#isOver
  }

  get isAdmitted(): boolean {
    return this.#isAdmitted
  }

  /** Whether gossip and closed streams may pass. */
  get isOpen(): boolean {
    return this.#isUp && this.#isAdmitted && this.#isAdmittedThere
  }

  isWith(owner: LinkOwner): boolean {
    return this.#other.owner === owner && !this.#other.isOver
  }

  up(): void {
    if (this.#isUp || this.#isOver) return
    this.#isUp = true
    this.#observe('link-up')
    this.owner.linkUp(this)
  }

  /** Runs `arrive` at the other end when the bytes have come there, unless the link has ended by then. */
  transmit(bytes: number, arrive: (there: LinkEnd) => void): void {
    if (this.#isOver) return
    const there = this.#other
    this.wire.transmit(bytes, () => {
      if (!there.#isOver) arrive(there)
    })
  }

  admit(): void {
    if (this.#isAdmitted) return
    this.#isAdmitted = true
    this.transmit(CONTROL, (there) => {
      there.#isAdmittedThere = true
      if (there.isOpen) there.owner.linkOpened(there)
    })
    if (this.isOpen) this.owner.linkOpened(this)
  }

  /** Ends the link here at once, and at the other end after what was sent before. */
  close(): void {
    if (this.#isOver) return
    const there = this.#other
    this.wire.transmit(CONTROL, () => there.#end())
    this.#end()
  }

  /** Ends the link here; the other end hears nothing and must notice by itself. */
  breakOff(): void {
    this.wire.cut()
    this.#end()
  }

  /** The link is gone without a word to the context at this end. The other end learns it after `delay` ms, or never. */
  vanish(delay: number | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#isUp = false
    this.wire.cut()
    this.#other.wire.cut()
    for (const stream of this.streams) stream.vanish()
    this.streams.clear()
    const there = this.#other
    if (delay !== undefined) this.#environment.clock.after(delay, () => there.#end())
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    const wasUp = this.#isUp
    this.#isUp = false
    const streams = [...this.streams]
    this.streams.clear()
    if (wasUp) {
      this.#observe('link-down')
      this.owner.linkDown(this)
    }
    for (const stream of streams) stream.broken(linkLost(this.peer))
  }

  #observe(kind: 'link-up' | 'link-down'): void {
    const at = this.#environment.clock.monotonic()
    this.#environment.observe({ at, kind, from: this.owner.id, to: this.peer, what: '', bytes: 0 })
  }
}

function linkLost(peer: ContextId): AmcpError {
  return new AmcpError('ERR_STREAM_CLOSED', `the link to ${peer} is gone`, { retryable: true })
}
