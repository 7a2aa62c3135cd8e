import type { EventBroker } from '../broker/event-broker.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import { givenCorrelation, givenTrace } from '../events/cause-chain.ts'
import type { AmcpEvent } from '../events/event.ts'
import { agentOfTopic, topicOfAgent } from '../events/topic.ts'
import { handlerError, toWireError } from './call-error.ts'
import { agentOf, type CallEvents, type CallToAnswer } from './call-events.ts'
import type { DeadlineWheel } from './deadline-wheel.ts'
import type { CallTarget, LocalAgents } from './directory.ts'
import { RemoteCall, type RemoteCaller, type RemoteCallOwner, type Tally } from './remote-call.ts'

/** Longest deadline of a call, in ms; another context may ask for more, but what it occupies here must end. */
export const MAX_TIMEOUT = 3_600_000

/** Callers remembered without open calls. */
const IDLE_CALLERS = 4_096

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
  /** Who calls, by source: kept for the next call, since a source is the same string each time and needs no hashing. */
  readonly #callers = new Map<string, RemoteCaller>()
  readonly #tallies = new Map<ContextId, Tally>()
  #size = 0
  /** So many callers, and those without open calls are forgotten. */
  #mostCallers = IDLE_CALLERS
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
    const from = this.#callers.get(source) ?? this.#callerOf(source)
    const timeout = Number(extensions?.timeoutms)
    // A reply goes to the caller itself and nowhere else: nobody can make us send to a third party.
    const isWellFormed = event.replyto === from.topic && timeout > 0
    if (!isWellFormed || from.calls.has(eventId)) {
      ports.counters.add('calls.call-invalid')
      return
    }
    const target = agentOfTopic(event.subject) as AgentId
    const correlation = givenCorrelation(event) ?? eventId
    const traceparent = givenTrace(event)
    const tracestate = traceparent && extensions?.tracestate
    const priority = event.priority ?? 4
    const answerable = { correlation, eventId, traceparent, tracestate, caller: from.agent, target, priority }
    const agent = agents.get(target)
    const refusal = this.#refusal(target, agent, from)
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
    const call = new RemoteCall(this, { ...answerable, from, capability, input, deadline }, ports.clock)
    from.calls.set(eventId, call)
    this.#size += 1
    from.tally.open += 1
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
    return (this.#tallies.get(context)?.open ?? 0) > 0
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

  answer(call: RemoteCall, isOk: boolean, value: unknown): void {
    this.abandoned(call)
    this.#reply(call, isOk, isOk ? value : toWireError(value), call.capability)
  }

  abandoned(call: RemoteCall): void {
    this.#parts.wheel.remove(call)
    const { calls, tally } = call.from
    if (!calls.delete(call.eventId)) return
    this.#size -= 1
    tally.open -= 1
  }

  #callerOf(source: string): RemoteCaller {
    if (this.#callers.size >= this.#mostCallers) this.#forgetIdle()
    const agent = agentOf(source)
    const context = contextOf(source)
    let tally = this.#tallies.get(context)
    if (tally === undefined) {
      tally = { open: 0 }
      this.#tallies.set(context, tally)
    }
    const caller = { agent, topic: topicOfAgent(agent), context, tally, calls: new Map() }
    this.#callers.set(source, caller)
    return caller
  }

  /** Then twice as many may come as are busy, so that this costs little for each. */
  #forgetIdle(): void {
    for (const [source, { calls }] of this.#callers) if (calls.size === 0) this.#callers.delete(source)
    for (const [context, { open }] of this.#tallies) if (open === 0) this.#tallies.delete(context)
    this.#mostCallers = Math.max(IDLE_CALLERS, this.#callers.size * 2)
  }

  #refusal(target: AgentId, agent: CallTarget | undefined, from: RemoteCaller): AmcpError | undefined {
    if (this.#isStopping) return new AmcpError('ERR_STOPPED', 'the context is stopping', { retryable: true })
    if (agent === undefined) {
      return new AmcpError('ERR_AGENT_UNKNOWN', `no agent ${target} here`, { details: { agent: target } })
    }
    const own = from.tally.open
    if (own >= this.#limit - this.#size) {
      this.#parts.ports.counters.add('calls.refused')
      return new AmcpError('ERR_MAILBOX_FULL', `${own} calls of ${from.context} are open already`, { retryable: true })
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
