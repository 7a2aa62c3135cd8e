import type { AgentId, ContextId } from '../core/ids.ts'
import type { CauseChain } from '../events/cause-chain.ts'
import type { CallAttributes } from './call-events.ts'
import { Timed } from './deadline-wheel.ts'

/** What becomes of an outgoing call is decided by the one who keeps them. */
export interface OutgoingCallOwner {
  readonly now: number
  expired(call: OutgoingCall): void
  aborted(call: OutgoingCall, reason: unknown): void
}

/** A call to another context: waiting for a provider to be known, then for the reply. */
export class OutgoingCall extends Timed implements CallAttributes {
  readonly id: string
  /** The capability or agent id that the caller asked for. */
  readonly wanted: string
  readonly capability: string
  readonly caller: AgentId
  readonly input: unknown
  readonly priority: number
  readonly chain: CauseChain | undefined
  /** Empty while no provider is known. */
  target: AgentId = ''
  context: ContextId = ''
  /** Contexts that could not be reached, so that it was not sent to them. */
  tried: Set<ContextId> | undefined
  readonly result: Promise<unknown>
  readonly #owner: OutgoingCallOwner
  readonly #signal: AbortSignal | undefined
  #resolve: (output: unknown) => void = nothing
  #reject: (reason: unknown) => void = nothing

  constructor(
    owner: OutgoingCallOwner,
    options: {
      id: string
      wanted: string
      capability: string
      caller: AgentId
      input: unknown
      priority: number
      deadline: number
      signal: AbortSignal | undefined
      chain: CauseChain | undefined
    },
  ) {
    super(options.deadline)
    this.#owner = owner
    this.id = options.id
    this.wanted = options.wanted
    this.capability = options.capability
    this.caller = options.caller
    this.input = options.input
    this.priority = options.priority
    this.chain = options.chain
    this.#signal = options.signal
    this.#signal?.addEventListener('abort', this)
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get remaining(): number {
    return Math.max(0, this.deadline - this.#owner.now)
  }

  complete(output: unknown): void {
    this.#signal?.removeEventListener('abort', this)
    this.#resolve(output)
  }

  fail(reason: unknown): void {
    this.#signal?.removeEventListener('abort', this)
    this.#reject(reason)
  }

  override expire(): void {
    this.#owner.expired(this)
  }

  /** The caller's signal was aborted. */
  handleEvent(): void {
    this.#owner.aborted(this, this.#signal?.reason)
  }
}

const nothing = (): void => {}
