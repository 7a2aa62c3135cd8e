import type { EventBroker } from '../broker/event-broker.ts'
import { AmcpError } from '../core/errors.ts'
import { type AgentId, type ContextId, isAgentId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { CauseChain } from '../events/cause-chain.ts'
import type { AmcpEvent } from '../events/event.ts'
import { EventIds } from '../events/event-ids.ts'
import { CALL, CANCEL, CallEvents, REPLY } from './call-events.ts'
import { DeadlineWheel } from './deadline-wheel.ts'
import type { Directory, Lanes, LocalAgents } from './directory.ts'
import { IncomingCall } from './incoming-call.ts'
import { IncomingCalls, MAX_TIMEOUT } from './incoming-calls.ts'
import { LocalCall } from './local-call.ts'
import { OutgoingCall } from './outgoing-call.ts'
import { OutgoingCalls } from './outgoing-calls.ts'

export interface CallOptions {
  /** Longest wait for the reply, in ms from now, at most an hour. @default 10_000 */
  deadline?: number
  /** Rejects with the signal's reason and tells the called agent. */
  signal?: AbortSignal
  /** 0 (lowest) to 9: its place in the target's mailbox. @default 4 */
  priority?: number
  /** Which capability, when the call names an agent that has several. */
  capability?: string
}

export interface CallsComponents {
  readonly ports: Ports
  readonly broker: EventBroker
  readonly directory: Directory
  readonly lanes: Lanes
  readonly agents: LocalAgents
}

export interface CallsOptions {
  /**
   * Calls from here to other contexts that are in flight: further ones are refused with ERR_QUEUE_FULL. As many may come from
   * other contexts: further ones are answered with ERR_MAILBOX_FULL, and one context gets only as many as it leaves free.
   * Calls within this context count nowhere. @default 65_536
   */
  limit?: number
}

/** Requests and replies between agents: local first, then any known provider in turn; nothing is sent twice. */
export class Calls {
  readonly #parts: CallsComponents
  readonly #wheel: DeadlineWheel
  readonly #outgoing: OutgoingCalls
  readonly #incoming: IncomingCalls
  readonly #limit: number
  /** Of calls that never leave the process. */
  readonly #ids: EventIds
  readonly #unlisten: () => void
  #present: readonly ContextId[]
  #isStopped = false

  constructor(components: CallsComponents, { limit = 65_536 }: CallsOptions = {}) {
    const { ports, directory } = components
    this.#parts = components
    this.#limit = limit
    this.#ids = new EventIds(ports.random)
    this.#wheel = new DeadlineWheel(ports.clock)
    const events = new CallEvents(directory.self, ports.clock, this.#ids)
    this.#outgoing = new OutgoingCalls({ ...components, events, wheel: this.#wheel })
    this.#incoming = new IncomingCalls({ ...components, events, wheel: this.#wheel }, limit)
    this.#present = directory.present
    this.#unlisten = directory.onChange(() => this.#onChange())
  }

  /** Calls under way: from here, to here, and between agents here. Each of them has its deadline in the wheel, and nothing else has. */
  get open(): number {
    return this.#wheel.size
  }

  /**
   * Calls a capability, or an agent by its id.
   * @param chain of what the caller is handling
   * ERR_CAPABILITY_UNKNOWN, ERR_AGENT_UNKNOWN, ERR_NOT_CONVERGED, ERR_CALL_DEADLINE, ERR_CALL_FAILED,
   * ERR_CALL_TARGET_LOST, ERR_SCHEMA_MISMATCH, ERR_MAILBOX_FULL, ERR_QUEUE_FULL, ERR_AGENT_STATE, ERR_STOPPED.
   */
  call(
    caller: AgentId,
    wanted: string,
    input: unknown,
    options: CallOptions = {},
    chain?: CauseChain,
  ): Promise<unknown> {
    const { deadline = 10_000, signal, priority = 4, capability } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#isStopped) return Promise.reject(new AmcpError('ERR_STOPPED', 'the context is stopped'))
    if (!(deadline > 0 && deadline <= MAX_TIMEOUT)) {
      return Promise.reject(new RangeError(`a deadline is above 0 and at most ${MAX_TIMEOUT} ms, got ${deadline}`))
    }
    if (!(Number.isInteger(priority) && priority >= 0 && priority <= 9)) {
      return Promise.reject(new RangeError(`a priority is a whole number from 0 to 9, got ${priority}`))
    }
    const { agents, ports } = this.#parts
    const isAgent = isAgentId(wanted)
    const name = isAgent ? (capability ?? '') : wanted
    const at = ports.clock.monotonic() + deadline
    const local = isAgent ? agents.get(wanted) : agents.offering(wanted)
    if (local !== undefined) {
      const call = new LocalCall(name, input, caller, at, priority, ports.clock, this.#wheel, this.#ids, chain)
      local.accept(call)
      return call.result(signal)
    }
    if (this.#outgoing.size >= this.#limit) {
      ports.counters.add('calls.refused')
      return Promise.reject(
        new AmcpError('ERR_QUEUE_FULL', `${this.#limit} calls are in flight already`, { retryable: true }),
      )
    }
    const id = this.#ids.next()
    const call = new OutgoingCall(this.#outgoing, {
      id,
      wanted,
      capability: name,
      caller,
      input,
      priority,
      deadline: at,
      signal,
      chain,
    })
    this.#outgoing.add(call)
    return call.result
  }

  /** Takes what belongs to calls out of an agent's events; false for all else. */
  take(event: AmcpEvent): boolean {
    switch (event.type) {
      case CALL:
        this.#incoming.onCall(event)
        return true
      case REPLY:
        this.#outgoing.onReply(event)
        return true
      case CANCEL:
        this.#incoming.onCancel(event)
        return true
      default:
        return false
    }
  }

  /** Whether a call to or from the context has not ended yet. */
  isBusyWith(context: ContextId): boolean {
    return this.#outgoing.isBusyWith(context) || this.#incoming.isBusyWith(context)
  }

  /** To be told when a link ends: sooner than the members know it. */
  contextLost(context: ContextId): void {
    this.#outgoing.contextLost(context)
    this.#incoming.contextLost(context)
  }

  /** To be told when there is a link to a context. */
  contextFound(context: ContextId): void {
    this.#outgoing.contextFound(context)
  }

  /** To be told when an agent was spawned here: calls may have waited for it. */
  reconsider(): void {
    this.#outgoing.reconsider()
  }

  /** Calls from other contexts are refused from now on. */
  refuse(): void {
    this.#incoming.refuse()
  }

  /** Ends all calls that are under way with ERR_STOPPED, those between agents here included, and tells their handlers. Idempotent. */
  stop(): void {
    this.#isStopped = true
    this.#unlisten()
    this.refuse()
    const reason = new AmcpError('ERR_STOPPED', 'the context was stopped during the call')
    for (const call of this.#wheel.entries()) if (call instanceof IncomingCall) call.end(reason)
    this.#outgoing.failAll(reason)
    this.#wheel.stop()
  }

  #onChange(): void {
    const { present } = this.#parts.directory
    if (present !== this.#present) {
      this.#present = present
      this.#outgoing.membersChanged()
    }
    this.#outgoing.reconsider()
  }
}
