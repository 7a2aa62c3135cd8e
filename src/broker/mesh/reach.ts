import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import { sleep } from '../../core/sleep.ts'
import { withDeadline } from '../../core/with-deadline.ts'
import type { MessageStream } from '../../network/network.ts'

export interface ReachComponents {
  readonly ports: Ports
  /** Whether the direct lane to the peer has a stream over a link that is up. */
  isOpen(peer: ContextId): boolean
  open(peer: ContextId): Promise<MessageStream>
  accept(stream: MessageStream): void
}

/** Longest attempt, in ms: a live peer takes a dial and a hello; a machine that is off never answers. */
const LONGEST_MS = 3_000
/** Between openings of a peer that answers and has not admitted us yet, in ms. */
const RETRY_MS = 50

/**
 * Finds out whether a peer can be reached, by opening the direct lane to it without having anything to send. Most members
 * of a large mesh have no link to each other, so that a missing link says nothing; a dial that fails says that nobody
 * lives there now. Unlike a lane with frames to send, this gives up at once.
 */
export class Reach {
  readonly #parts: ReachComponents
  readonly #attempts = new Map<ContextId, Promise<void>>()

  constructor(components: ReachComponents) {
    this.#parts = components
  }

  /** Resolves when the lane is open. ERR_DIAL_FAILED, ERR_NOT_CONNECTED, or what kept us out for 3 s. */
  to(peer: ContextId): Promise<void> {
    let attempt = this.#attempts.get(peer)
    if (attempt === undefined) {
      attempt = this.#attempt(peer).finally(() => this.#attempts.delete(peer))
      this.#attempts.set(peer, attempt)
    }
    return attempt
  }

  async #attempt(peer: ContextId): Promise<void> {
    const { ports, isOpen } = this.#parts
    const end = ports.clock.monotonic() + LONGEST_MS
    while (!isOpen(peer)) {
      const left = end - ports.clock.monotonic()
      try {
        await withDeadline(ports.clock, left, this.#open(peer), () => nobody(peer))
      } catch (fault) {
        ports.counters.add('broker.direct.reach-failed')
        if (isDead(fault) || left <= RETRY_MS) throw fault
        await sleep(ports.clock, RETRY_MS)
      }
    }
  }

  /** A stream that comes too late for who waited is welcome all the same. */
  async #open(peer: ContextId): Promise<void> {
    const { isOpen, open, accept } = this.#parts
    const stream = await open(peer)
    if (isOpen(peer)) await stream.close()
    else accept(stream)
  }
}

const isDead = (fault: unknown): boolean =>
  fault instanceof AmcpError && (fault.code === 'ERR_DIAL_FAILED' || fault.code === 'ERR_NOT_CONNECTED')

const nobody = (peer: ContextId): AmcpError =>
  new AmcpError('ERR_DIAL_FAILED', `${peer} does not answer`, { retryable: true, details: { peer } })
