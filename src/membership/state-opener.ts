import type { Timer } from '../core/clock.ts'
import { deadline } from '../core/deadline.ts'
import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { MessageStream, Network } from '../network/network.ts'
import { STATE_PROTOCOL } from './state-messages.ts'
import type { MembershipTiming } from './timing.ts'

export interface StateOpenerComponents {
  readonly ports: Ports
  readonly network: Network
  /** Whether the peer should have a stream and has none. */
  isMissing(peer: ContextId): boolean
  opened(stream: MessageStream): void
}

/**
 * Opens state streams, and opens them again after a failure, with growing, random waits. Of two neighbours the one with
 * the larger id does it, so that there is one stream a link.
 */
export class StateOpener {
  readonly #parts: StateOpenerComponents
  readonly #timing: MembershipTiming
  readonly #waiting = new Map<ContextId, Timer>()
  #isStopped = false

  constructor(parts: StateOpenerComponents, timing: MembershipTiming) {
    this.#parts = parts
    this.#timing = timing
  }

  /** At once; to be called when the peer is admitted. */
  open(peer: ContextId): void {
    if (this.#isOurs(peer)) void this.#open(peer, 0)
  }

  /** After a wait; to be called when the stream has ended and the link perhaps has not. */
  reopen(peer: ContextId): void {
    this.#wait(peer, 0)
  }

  forget(peer: ContextId): void {
    this.#waiting.get(peer)?.cancel()
    this.#waiting.delete(peer)
  }

  stop(): void {
    this.#isStopped = true
    for (const timer of this.#waiting.values()) timer.cancel()
  }

  #isOurs(peer: ContextId): boolean {
    return !this.#isStopped && this.#parts.network.id > peer && this.#parts.isMissing(peer)
  }

  async #open(peer: ContextId, attempt: number): Promise<void> {
    const { ports, network, opened } = this.#parts
    try {
      using limit = deadline(ports.clock, this.#timing.hello)
      opened(await network.streams.open(peer, STATE_PROTOCOL, { signal: limit.signal }))
    } catch (error) {
      ports.counters.add('membership.state.open-failed')
      ports.logger.debug({ peer, error: String(error) }, 'no state stream')
      this.#wait(peer, attempt + 1)
    }
  }

  #wait(peer: ContextId, attempt: number): void {
    if (!this.#isOurs(peer)) return
    const { redial, redialMax } = this.#timing
    const { clock, random } = this.#parts.ports
    const wait = Math.min(redialMax, redial * 2 ** attempt) * (1 - random.float() / 2)
    this.#waiting.get(peer)?.cancel()
    const timer = clock.after(wait, () => {
      this.#waiting.delete(peer)
      if (this.#isOurs(peer)) void this.#open(peer, attempt)
    })
    this.#waiting.set(peer, timer)
  }
}
