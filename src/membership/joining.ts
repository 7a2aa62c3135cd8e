import type { Clock } from '../core/clock.ts'
import type { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import type { MembershipTiming } from './timing.ts'

/** Peers whose refusals are remembered while `start` waits. */
const REFUSALS_LIMIT = 1_024

/**
 * What `start` waits for: the first neighbour with which everything is exchanged. Without addresses there is nobody to
 * wait for. When nobody answers in time the context goes on alone and keeps trying; when those that answered refused,
 * `start` fails with their reason, since no retry mends a wrong mesh. Somebody who is slow to answer is waited for longer
 * than nobody: a context that believes itself alone publishes to nobody.
 */
export class Joining {
  readonly #clock: Clock
  readonly #timing: Pick<MembershipTiming, 'acknowledge' | 'join'>
  #isPatient = true
  #outcome: 'alone' | 'waiting' | 'done' = 'alone'
  #failure: AmcpError | undefined
  readonly #isInvited: (peer: ContextId) => boolean
  readonly #refusals = new Map<ContextId, AmcpError>()
  #addresses = 0
  #unreachable = 0
  #settle: (() => void) | undefined

  /** @param isInvited whether the peer answered at one of the addresses to join by */
  constructor(
    clock: Clock,
    timing: Pick<MembershipTiming, 'acknowledge' | 'join'>,
    isInvited: (peer: ContextId) => boolean,
  ) {
    this.#isInvited = isInvited
    this.#clock = clock
    this.#timing = timing
  }

  /** @param addresses how many there are to join by; 0 = nobody to wait for */
  expect(addresses: number): void {
    this.#addresses = addresses
    if (this.#outcome === 'alone' && addresses > 0) this.#outcome = 'waiting'
  }

  joined(): void {
    this.#end()
  }

  /**
   * A refusal ends the wait only when no other address is left that could still let us in. A stranger that dials us and
   * refuses is no such address; which of the two it is may show only when our dial has ended.
   */
  refused(peer: ContextId, error: AmcpError): void {
    if (this.#outcome !== 'waiting' || this.#refusals.size >= REFUSALS_LIMIT) return
    this.#refusals.set(peer, error)
    this.#failWhenHopeless()
  }

  /** @param unreachable addresses where nobody answered */
  tried(unreachable: number): void {
    this.#unreachable = unreachable
    this.#failWhenHopeless()
    this.#giveUpWhenNobodyIsLeft()
  }

  fail(error: AmcpError): void {
    this.#failure = error
    this.#end()
  }

  stop(): void {
    this.#end()
  }

  async wait(signal?: AbortSignal): Promise<void> {
    // Aborted while the caller did something else: that is told to no listener any more.
    if (signal?.aborted) this.#end()
    if (this.#outcome === 'waiting') {
      const timer = this.#clock.after(this.#timing.acknowledge, () => {
        this.#isPatient = false
        this.#giveUpWhenNobodyIsLeft()
      })
      const last = this.#clock.after(this.#timing.join, () => this.#end())
      const aborted = (): void => this.#end()
      signal?.addEventListener('abort', aborted, { once: true })
      await new Promise<void>((resolve) => {
        this.#settle = resolve
      })
      timer.cancel()
      last.cancel()
      signal?.removeEventListener('abort', aborted)
    }
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
  }

  #failWhenHopeless(): void {
    if (this.#outcome !== 'waiting') return
    const refusals = [...this.#refusals].filter(([peer]) => this.#isInvited(peer))
    const refusal = refusals[0]?.[1]
    const isHopeless = refusals.length + this.#unreachable >= this.#addresses
    if (refusal !== undefined && isHopeless) this.fail(refusal)
  }

  #giveUpWhenNobodyIsLeft(): void {
    if (!this.#isPatient && this.#unreachable >= this.#addresses) this.#end()
  }

  #end(): void {
    this.#outcome = 'done'
    this.#refusals.clear()
    this.#settle?.()
  }
}
