import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import { TokenBucket } from '../../core/token-bucket.ts'

/** What nobody honest sends, that a peer may send at once and a second: one fault of software is no attack. */
const BURST = 64
const PER_SECOND = 1
/** Lines of the log a second, and at once, about all peers together. */
const LINES_PER_SECOND = 1
const LINES = 20
const REMEMBERED_PEERS = 1_024

/**
 * Peers that send what nobody honest sends: direct frames of their own that are malformed or wrongly signed, frames on any
 * lane whose credentials they cannot produce. Each costs a judgement here or room to wait, so who goes on with it loses the
 * link; after a new hello it begins again with less.
 */
export class Misconduct {
  readonly #ports: Ports
  readonly #disconnect: (peer: ContextId) => Promise<void>
  readonly #buckets = new Map<ContextId, TokenBucket>()
  readonly #lines: TokenBucket

  /** @param disconnect ends the link, and with it the admission */
  constructor(ports: Ports, disconnect: (peer: ContextId) => Promise<void>) {
    this.#ports = ports
    this.#disconnect = disconnect
    this.#lines = new TokenBucket(ports.clock, LINES_PER_SECOND, LINES)
  }

  seen(peer: ContextId, reason: string): void {
    const { counters, logger } = this.#ports
    counters.add('broker.misbehaved')
    if (this.#lines.take()) logger.warn({ peer, reason }, 'a peer sent what nobody honest sends')
    if (this.#bucketOf(peer).take()) return
    counters.add('broker.cut-off')
    this.#disconnect(peer).catch((error: unknown) => {
      counters.add('broker.cut-off-failed')
      logger.debug({ peer, error: String(error) }, 'the link could not be ended')
    })
  }

  #bucketOf(peer: ContextId): TokenBucket {
    const known = this.#buckets.get(peer)
    if (known !== undefined) return known
    const bucket = new TokenBucket(this.#ports.clock, PER_SECOND, BURST)
    this.#buckets.set(peer, bucket)
    if (this.#buckets.size > REMEMBERED_PEERS) this.#buckets.delete(this.#buckets.keys().next().value!)
    return bucket
  }
}
