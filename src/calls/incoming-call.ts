import { AmcpError } from '../core/errors.ts'
import type { AgentId } from '../core/ids.ts'
import type { CauseChain } from '../events/cause-chain.ts'
import { Timed } from './deadline-wheel.ts'

/** What a capability's handler is told about the call it serves. */
export interface CallInfo {
  readonly capability: string
  readonly caller: AgentId
  /** Aborted when the caller gave up or the deadline has passed. Made when first read, since that costs 3 µs. */
  readonly signal: AbortSignal
  /** Time left, in ms, when read. */
  readonly remaining: number
}

/** Where the time of a call comes from. */
export interface CallTime {
  monotonic(): number
}

/** A call on its way to an agent of this context: from a neighbour in the process or from another context. */
export abstract class IncomingCall extends Timed implements CallInfo {
  /** Empty when the caller named the agent only: then the agent's single capability is meant. */
  readonly capability: string
  readonly input: unknown
  readonly caller: AgentId
  /** 0 to 9, as for events. */
  readonly priority: number
  isSettled = false
  readonly #time: CallTime
  #abort: AbortController | undefined
  #reason: unknown

  // Positional, because it runs once a call and an options object costs as much as the rest.
  constructor(capability: string, input: unknown, caller: AgentId, deadline: number, priority: number, time: CallTime) {
    super(deadline)
    this.capability = capability
    this.input = input
    this.caller = caller
    this.priority = priority
    this.#time = time
  }

  /** What events carry that are published while it is served. */
  abstract readonly chain: CauseChain

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#reason !== undefined) this.#abort.abort(this.#reason)
    }
    return this.#abort.signal
  }

  get remaining(): number {
    return Math.max(0, this.deadline - this.#time.monotonic())
  }

  /** The handler's outcome; what comes after the call was settled otherwise is dropped. */
  complete(output: unknown): void {
    if (this.isSettled) return
    this.isSettled = true
    this.settle(true, output)
  }

  fail(error: unknown): void {
    if (this.isSettled) return
    this.isSettled = true
    this.settle(false, error)
  }

  /** Ends the call from this side: the caller is told, and the handler by its signal. */
  end(reason: unknown): void {
    this.fail(reason)
    this.cancel(reason)
  }

  /** Ends the call from the caller's side and tells the handler by its signal. */
  cancel(reason: unknown): void {
    this.#reason = reason
    if (!this.isSettled) {
      this.isSettled = true
      this.abandon(reason)
    }
    this.#abort?.abort(reason)
  }

  override expire(): void {
    this.cancel(deadlineError(this.capability))
  }

  /** Called once with the handler's outcome, unless `abandon` was called. */
  protected abstract settle(isOk: boolean, value: unknown): void

  /** Called once when nobody waits for the outcome any more. */
  protected abstract abandon(reason: unknown): void
}

export function deadlineError(target: string): AmcpError {
  return new AmcpError('ERR_CALL_DEADLINE', `no answer from ${target} before the deadline`, {
    retryable: true,
    details: { target },
  })
}
