import type { Timer } from '../../core/clock.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'

/** Bytes that must wait for a stream to be watched: less delays nobody. */
const WATCHED = 256 * 1024
/** ms over which a stream's progress is measured, and how often it is looked at. */
const SPAN = 2_000
const LOOK = 500
/** Bytes that a stream with so much waiting must move in that time: half a megabit a second. */
const LEAST = 128 * 1024

/** A peer's outbound gossip stream. */
export interface WatchedStream {
  /** Names the stream: another one of the same peer begins anew. */
  readonly stream: object
  /** Bytes that wait. */
  readonly waiting: number
  /** Bytes handed to the link since the stream began. */
  readonly sent: number
}

export interface StalledStreamsOptions {
  readonly ports: Ports
  streams(): Iterable<readonly [ContextId, WatchedStream]>
  stalled(peer: ContextId): void
}

interface Span {
  readonly stream: object
  readonly since: number
  readonly sent: number
}

/**
 * Finds neighbours that do not read their gossip. gossipsub hands every frame to all neighbours, and publishers wait for the
 * fullest stream: one that reads nothing, and goes on answering pings, would hold up all the others.
 */
export class StalledStreams {
  readonly #options: StalledStreamsOptions
  readonly #spans = new Map<ContextId, Span>()
  #timer: Timer | undefined

  constructor(options: StalledStreamsOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = this.#options.ports.clock.after(LOOK, () => {
      this.#look()
      // Stopped by what the look has caused?
      if (this.#timer !== undefined) this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#spans.clear()
  }

  #look(): void {
    const { ports, streams, stalled } = this.#options
    const now = ports.clock.monotonic()
    const before = new Map(this.#spans)
    this.#spans.clear()
    for (const [peer, { stream, waiting, sent }] of streams()) {
      if (waiting < WATCHED) continue
      const span = before.get(peer)
      if (span?.stream !== stream) this.#spans.set(peer, { stream, since: now, sent })
      else if (now - span.since < SPAN) this.#spans.set(peer, span)
      else if (sent - span.sent >= LEAST) this.#spans.set(peer, { stream, since: now, sent })
      else {
        ports.counters.add('network.gossip.stalled')
        ports.logger.warn({ peer, waiting, moved: sent - span.sent }, 'a neighbour does not read its gossip')
        stalled(peer)
      }
    }
  }
}
