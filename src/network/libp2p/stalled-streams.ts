import type { Timer } from '../../core/clock.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import { SlowNeighbours } from './slow-neighbours.ts'
import type { WatchedStream } from './watched-stream.ts'

/** Bytes that must wait for a stream to be watched: half of what makes publishers wait (`readyBytes`), so that none hovers there. */
const WATCHED = 64 * 1024
/** ms between two looks. */
const LOOK = 500
/**
 * Looks over which a stream's progress is measured, 2 s at least. Looks are counted, not ms: when this process stood still
 * meanwhile, that others did not move is no fault of theirs.
 */
const SPAN = 4
/** Bytes that a stream with so much waiting must move in that time: half a megabit a second. */
const LEAST = 128 * 1024
/** Of what waits it must move this part, too: who would need longer than 8 s to catch up does not. Lower cuts off slow lines. */
const PART = 1 / 4

export interface StalledStreamsOptions {
  readonly ports: Ports
  streams(): Iterable<readonly [ContextId, WatchedStream]>
  stalled(peer: ContextId): void
  /** Told at each look which streams publishers are not to wait for. */
  passOver(streams: ReadonlySet<object>): void
}

interface Span {
  readonly stream: object
  readonly looks: number
  readonly sent: number
}

/**
 * Finds neighbours that do not read their gossip. gossipsub hands every frame to all neighbours, and publishers wait for the
 * fullest stream: one that reads next to nothing, and goes on answering pings, would hold up all the others.
 */
export class StalledStreams {
  readonly #options: StalledStreamsOptions
  readonly #spans = new Map<ContextId, Span>()
  readonly #slow = new SlowNeighbours()
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
    const { ports, stalled, passOver } = this.#options
    const streams = [...this.#options.streams()]
    passOver(this.#slow.look(streams, WATCHED))
    const before = new Map(this.#spans)
    this.#spans.clear()
    for (const [peer, { stream, waiting, sent }] of streams) {
      if (waiting < WATCHED) continue
      const span = before.get(peer)
      if (span?.stream !== stream) this.#spans.set(peer, { stream, looks: 1, sent })
      else if (span.looks < SPAN) this.#spans.set(peer, { ...span, looks: span.looks + 1 })
      else if (sent - span.sent >= Math.max(LEAST, waiting * PART)) this.#spans.set(peer, { stream, looks: 1, sent })
      else {
        ports.counters.add('network.gossip.stalled')
        ports.logger.warn({ peer, waiting, moved: sent - span.sent }, 'a neighbour does not read its gossip')
        stalled(peer)
      }
    }
  }
}
