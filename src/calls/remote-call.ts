import type { AgentId, ContextId } from '../core/ids.ts'
import type { CauseChain } from '../events/cause-chain.ts'
import { type CallToAnswer, causeChainOfServed } from './call-events.ts'
import { type CallTime, IncomingCall } from './incoming-call.ts'

/** Where the outcome of a call from another context goes. */
export interface RemoteCallOwner {
  answer(call: RemoteCall, isOk: boolean, value: unknown): void
  abandoned(call: RemoteCall): void
}

/** How many calls of one context are open here. */
export interface Tally {
  open: number
}

/** An agent elsewhere that calls agents here. */
export interface RemoteCaller {
  readonly agent: AgentId
  /** Where its replies go. */
  readonly topic: string
  readonly context: ContextId
  /** Its context's, shared with the other agents there. */
  readonly tally: Tally
  /** Its open calls by the event's id, which alone would let a context take the ids that it sees another one count up. */
  readonly calls: Map<string, RemoteCall>
}

/** What was read from the call's event, once: a received event decodes an attribute each time it is asked. */
export interface RemoteCallOptions extends CallToAnswer {
  readonly from: RemoteCaller
  readonly capability: string
  readonly input: unknown
  readonly deadline: number
}

/** A call that came as an event; its outcome leaves as one. */
export class RemoteCall extends IncomingCall implements CallToAnswer {
  readonly correlation: string
  readonly eventId: string
  readonly target: AgentId
  readonly from: RemoteCaller
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
  readonly #owner: RemoteCallOwner

  constructor(owner: RemoteCallOwner, options: RemoteCallOptions, time: CallTime) {
    super(options.capability, options.input, options.caller, options.deadline, options.priority, time)
    this.correlation = options.correlation
    this.eventId = options.eventId
    this.target = options.target
    this.from = options.from
    this.traceparent = options.traceparent
    this.tracestate = options.tracestate
    this.#owner = owner
  }

  override get chain(): CauseChain {
    return causeChainOfServed(this)
  }

  protected override settle(isOk: boolean, value: unknown): void {
    this.#owner.answer(this, isOk, value)
  }

  protected override abandon(): void {
    this.#owner.abandoned(this)
  }
}
