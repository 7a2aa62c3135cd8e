import type { AgentId } from '../core/ids.ts'
import { type CauseChain, causeChainOfCall } from '../events/cause-chain.ts'
import type { EventIds } from '../events/event-ids.ts'
import type { DeadlineWheel } from './deadline-wheel.ts'
import { type CallTime, IncomingCall } from './incoming-call.ts'

/**
 * A call between two agents of one context: no event, no encoding, input and output pass as the objects they are.
 * A handler that answers at once costs neither a place in the deadline wheel nor a pair of resolvers.
 */
export class LocalCall extends IncomingCall {
  readonly #wheel: DeadlineWheel
  readonly #ids: EventIds
  readonly #callerChain: CauseChain | undefined
  #chain: CauseChain | undefined
  #isOk = false
  #value: unknown
  #resolve: ((value: unknown) => void) | undefined
  #reject: ((reason: unknown) => void) | undefined
  #signal: AbortSignal | undefined

  constructor(
    capability: string,
    input: unknown,
    caller: AgentId,
    deadline: number,
    priority: number,
    time: CallTime,
    wheel: DeadlineWheel,
    ids: EventIds,
    callerChain: CauseChain | undefined,
  ) {
    super(capability, input, caller, deadline, priority, time)
    this.#wheel = wheel
    this.#ids = ids
    this.#callerChain = callerChain
  }

  /** As if the call had been an event: its id is drawn only for those who ask. */
  override get chain(): CauseChain {
    this.#chain ??= causeChainOfCall(this.#ids.next(), this.#callerChain)
    return this.#chain
  }

  /** The outcome as a promise; called once, after the target has accepted the call. */
  result(signal: AbortSignal | undefined): Promise<unknown> {
    // The handler itself may have led to the abort.
    if (signal?.aborted) this.cancel(signal.reason)
    if (this.isSettled) return this.#isOk ? Promise.resolve(this.#value) : Promise.reject(this.#value)
    this.#wheel.add(this)
    if (signal !== undefined) {
      this.#signal = signal
      signal.addEventListener('abort', this)
    }
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** The caller's signal was aborted. */
  handleEvent(): void {
    this.cancel(this.#signal?.reason)
  }

  protected override settle(isOk: boolean, value: unknown): void {
    this.#isOk = isOk
    this.#value = value
    if (this.#resolve === undefined) return
    this.#wheel.remove(this)
    this.#signal?.removeEventListener('abort', this)
    if (isOk) this.#resolve(value)
    else this.#reject?.(value)
  }

  protected override abandon(reason: unknown): void {
    this.settle(false, reason)
  }
}
