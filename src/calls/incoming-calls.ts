import type { EventBroker } from '../broker/event-broker.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import { givenCorrelation, givenTrace } from '../events/chain.ts'
import type { AmcpEvent } from '../events/event.ts'
import { handlerError, toWireError } from './call-error.ts'
import { AGENT_TOPIC, agentOf, type CallEvents, type CallToAnswer } from './call-events.ts'
import type { DeadlineWheel } from './deadline-wheel.ts'
import type { CallTarget, LocalAgents } from './directory.ts'
import { RemoteCall, type RemoteCaller, type RemoteCallOwner } from './remote-call.ts'

/** Longest deadline of a call, in ms; another context may ask for more, but what it occupies here must end. */
export const MAX_TIMEOUT = 3_600_000

export interface IncomingCallsComponents {
  readonly ports: Ports
  readonly broker: EventBroker
  readonly agents: LocalAgents
  readonly events: CallEvents
  readonly wheel: DeadlineWheel
}

/** The calls from other contexts that agents here have not answered yet. */
export class IncomingCalls implements RemoteCallOwner {
  readonly #parts: IncomingCallsComponents
  /** Who has calls open here, by source. */
  readonly #callers = new Map<string, RemoteCaller>()
  #size = 0
  /** How many calls are of agents of one context. */
  readonly #byContext = new Map<ContextId, number>()
  readonly #limit: number
  #isStopping = false

  /**
   * @param limit how many calls may be open at once. A context may have as many as are left free: half of all when it is alone,
   * a third beside another that takes what it gets, so that nobody occupies the place of the others. Further ones are answered
   * with ERR_MAILBOX_FULL.
   */
  constructor(components: IncomingCallsComponents, limit: number) {
    this.#parts = components
    this.#limit = limit
  }

  get size(): number {
    return this.#size
  }

  onCall(event: AmcpEvent): void {
    const { agents, wheel, ports } = this.#parts
    const { id: eventId, source, extensions } = event
    const caller = agentOf(source)
    const timeout = Number(extensions?.timeoutms)
    // A reply goes to the caller itself and nowhere else: nobody can make us send to a third party.
    const isWellFormed = event.replyto === AGENT_TOPIC + caller && timeout > 0
    const known = this.#callers.get(source)
    if (!isWellFormed || known?.calls.has(eventId)) {
      ports.counters.add('calls.call-invalid')
      return
    }
    const target = event.subject.slice(AGENT_TOPIC.length)
    const correlation = givenCorrelation(event) ?? eventId
    const traceparent = givenTrace(event)
    const tracestate = traceparent && extensions?.tracestate
    const priority = event.priority ?? 4
    const answerable = { correlation, eventId, traceparent, tracestate, caller, target, priority }
    const agent = agents.get(target)
    const context = known?.context ?? contextOf(source)
    const refusal = this.#refusal(target, agent, context)
    if (agent === undefined || refusal !== undefined) {
      this.#reply(answerable, false, toWireError(refusal))
      return
    }
    let input: unknown
    try {
      input = event.data
    } catch (fault) {
      ports.counters.add('calls.call-unreadable')
      this.#reply(answerable, false, toWireError(fault))
      return
    }
    const capability = extensions?.capability ?? ''
    const deadline = ports.clock.monotonic() + Math.min(timeout, MAX_TIMEOUT)
    const from = known ?? { source, context, calls: new Map() }
    const call = new RemoteCall(this, { ...answerable, from, capability, input, deadline }, ports.clock)
    if (known === undefined) this.#callers.set(source, from)
    from.calls.set(eventId, call)
    this.#size += 1
    this.#byContext.set(context, (this.#byContext.get(context) ?? 0) + 1)
    wheel.add(call)
    agent.accept(call)
  }

  onCancel(event: AmcpEvent): void {
    const call = this.#callers.get(event.source)?.calls.get(event.causationid ?? '')
    if (call === undefined) {
      this.#parts.ports.counters.add('calls.cancel-late')
      return
    }
    call.cancel(new AmcpError('ERR_CALL_FAILED', 'the caller gave up', { details: { caller: call.caller } }))
  }

  isBusyWith(context: ContextId): boolean {
    return this.#byContext.has(context)
  }

  /** Nobody waits for these any more. */
  contextLost(context: ContextId): void {
    for (const from of this.#callers.values()) {
      if (from.context !== context) continue
      for (const call of from.calls.values())
        call.cancel(new AmcpError('ERR_NOT_CONNECTED', 'the context of the caller was lost', { details: { context } }))
    }
  }

  /** From now on calls are refused with ERR_STOPPED; those already accepted go on. */
  refuse(): void {
    this.#isStopping = true
  }

  endAll(reason: AmcpError): void {
    for (const { calls } of this.#callers.values()) for (const call of calls.values()) call.end(reason)
  }

  answer(call: RemoteCall, isOk: boolean, value: unknown): void {
    this.abandoned(call)
    this.#reply(call, isOk, isOk ? value : toWireError(value), call.capability)
  }

  abandoned(call: RemoteCall): void {
    this.#parts.wheel.remove(call)
    const { source, context, calls } = call.from
    if (!calls.delete(call.eventId)) return
    this.#size -= 1
    if (calls.size === 0) this.#callers.delete(source)
    const left = (this.#byContext.get(context) ?? 1) - 1
    if (left === 0) this.#byContext.delete(context)
    else this.#byContext.set(context, left)
  }

  #refusal(target: AgentId, agent: CallTarget | undefined, context: ContextId): AmcpError | undefined {
    if (this.#isStopping) return new AmcpError('ERR_STOPPED', 'the context is stopping', { retryable: true })
    if (agent === undefined) {
      return new AmcpError('ERR_AGENT_UNKNOWN', `no agent ${target} here`, { details: { agent: target } })
    }
    const own = this.#byContext.get(context) ?? 0
    if (own >= this.#limit - this.#size) {
      this.#parts.ports.counters.add('calls.refused')
      return new AmcpError('ERR_MAILBOX_FULL', `${own} calls of ${context} are open already`, { retryable: true })
    }
    return undefined
  }

  #reply(call: CallToAnswer, isOk: boolean, data: unknown, capability = ''): void {
    const event = this.#parts.events.reply(call, isOk, data)
    try {
      this.#parts.broker.publish(event)?.catch((fault: unknown) => this.#unsent(call, isOk, capability, fault))
    } catch (fault) {
      this.#unsent(call, isOk, capability, fault)
    }
  }

  /** An output that cannot travel (too large, no JSON) is the callee's fault, and its caller is told so. */
  #unsent(call: CallToAnswer, isOutput: boolean, capability: string, fault: unknown): void {
    this.#parts.ports.counters.add('calls.reply-unsent')
    if (isOutput) this.#reply(call, false, toWireError(handlerError(capability, call.target, fault)))
  }
}

const SCHEME_LENGTH = 'amcp://'.length
const contextOf = (source: string): ContextId => source.slice(SCHEME_LENGTH, source.lastIndexOf('/'))
