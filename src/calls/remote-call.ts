import type { AmcpEvent } from '../events/event.ts'
import { agentOf } from './call-events.ts'
import { type CallTime, IncomingCall } from './incoming-call.ts'

/** Where the outcome of a call from another context goes. */
export interface RemoteCallOwner {
  answer(call: RemoteCall, isOk: boolean, value: unknown): void
  abandoned(call: RemoteCall): void
}

/** A call that came as an event; its outcome leaves as one. */
export class RemoteCall extends IncomingCall {
  readonly event: AmcpEvent
  readonly #owner: RemoteCallOwner

  constructor(owner: RemoteCallOwner, event: AmcpEvent, deadline: number, time: CallTime) {
    super(
      event.extensions?.['capability'] ?? '',
      event.data,
      agentOf(event.source),
      deadline,
      event.priority ?? 4,
      time,
    )
    this.event = event
    this.#owner = owner
  }

  protected override settle(isOk: boolean, value: unknown): void {
    this.#owner.answer(this, isOk, value)
  }

  protected override abandon(): void {
    this.#owner.abandoned(this)
  }
}
