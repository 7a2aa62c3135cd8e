import type { Timer } from '../../core/clock.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'

export interface WatchdogOptions {
  readonly ports: Ports
  /** ms that a peer may be without a stream before something is done, and again before more is done. */
  readonly timeout: number
  /** Peers that should have one: linked and admitted. */
  peers(): Iterable<ContextId>
  hasStream(peer: ContextId): boolean
  /** Asks gossipsub to open the stream again. */
  reopen(peer: ContextId): void
  /** Closes the link and dials again: what is left when reopening did not help. */
  redial(peer: ContextId): void
}

interface Missing {
  since: number
  reopened: boolean
}

/**
 * Watches for admitted peers to which no gossip stream is open. gossipsub never reopens one that was reset while the
 * connection lives, and its frames are then lost in silence.
 */
export class GossipWatchdog {
  readonly #options: WatchdogOptions
  readonly #missing = new Map<ContextId, Missing>()
  #timer: Timer | undefined

  constructor(options: WatchdogOptions) {
    this.#options = options
  }

  start(): void {
    const { ports, timeout } = this.#options
    this.#timer = ports.clock.after(timeout / 4, () => {
      this.#check()
      // Stopped by what the check has caused?
      if (this.#timer !== undefined) this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#missing.clear()
  }

  #check(): void {
    const { ports, timeout, peers, hasStream, reopen, redial } = this.#options
    const now = ports.clock.monotonic()
    const present = new Set(peers())
    for (const peer of this.#missing.keys()) if (!present.has(peer)) this.#missing.delete(peer)
    for (const peer of present) {
      if (hasStream(peer)) {
        this.#missing.delete(peer)
        continue
      }
      const missing = this.#missing.get(peer)
      if (missing === undefined) this.#missing.set(peer, { since: now, reopened: false })
      else if (now - missing.since >= timeout) {
        ports.counters.add(missing.reopened ? 'network.gossip.redialled' : 'network.gossip.reopened')
        ports.logger.warn({ peer, redial: missing.reopened }, 'no gossip stream to a peer')
        if (missing.reopened) redial(peer)
        else reopen(peer)
        missing.since = now
        missing.reopened = !missing.reopened
      }
    }
  }
}
