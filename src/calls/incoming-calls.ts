import type { EventBroker } from '../broker/event-broker.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { AmcpEvent } from '../events/event.ts'
import { handlerError, toWireError } from './call-error.ts'
import { AGENT_TOPIC, agentOf, type CallEvents } from './call-events.ts'
import type { DeadlineWheel } from './deadline-wheel.ts'
import type { LocalAgents } from './directory.ts'
import { RemoteCall, type RemoteCallOwner } from './remote-call.ts'

/** Longest deadline that another context can ask for, in ms: what it occupies here must end. */
const MAX_TIMEOUT = 3_600_000

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
  readonly #open = new Map<string, RemoteCall>()
  readonly #limit: number
  #isStopping = false

  /** @param limit how many calls may be open at once; further ones are answered with ERR_MAILBOX_FULL */
  constructor(components: IncomingCallsComponents, limit: number) {
    this.#parts = components
    this.#limit = limit
  }

  get size(): number {
    return this.#open.size
  }

  onCall(event: AmcpEvent): void {
    const { agents, wheel, ports } = this.#parts
    const caller = agentOf(event.source)
    const target = event.subject.slice(AGENT_TOPIC.length)
    const timeout = Number(event.extensions?.['timeoutms'])
    const id = event.correlationid
    // A reply goes to the caller itself and nowhere else: nobody can make us send to a third party.
    if (id === undefined || event.replyto !== AGENT_TOPIC + caller || !(timeout > 0) || this.#open.has(id)) {
      ports.counters.add('calls.call-invalid')
      return
    }
    const refusal = this.#refusal(target)
    if (refusal !== undefined) {
      this.#reply(event, target, false, toWireError(refusal))
      return
    }
    let call: RemoteCall
    try {
      const deadline = ports.clock.monotonic() + Math.min(timeout, MAX_TIMEOUT)
      call = new RemoteCall(this, event, deadline, ports.clock)
    } catch (fault) {
      ports.counters.add('calls.call-unreadable')
      this.#reply(event, target, false, toWireError(fault))
      return
    }
    this.#open.set(id, call)
    wheel.add(call)
    agents.get(target)?.accept(call)
  }

  onCancel(event: AmcpEvent): void {
    const call = this.#open.get(event.correlationid ?? '')
    if (call === undefined || call.event.source !== event.source) {
      this.#parts.ports.counters.add('calls.cancel-late')
      return
    }
    call.cancel(new AmcpError('ERR_CALL_FAILED', 'the caller gave up', { details: { caller: call.caller } }))
  }

  /** Nobody waits for these any more. */
  contextLost(context: ContextId): void {
    const prefix = `amcp://${context}/`
    for (const call of this.#open.values()) {
      if (call.event.source.startsWith(prefix)) {
        call.cancel(new AmcpError('ERR_NOT_CONNECTED', 'the context of the caller was lost', { details: { context } }))
      }
    }
  }

  /** From now on calls are refused with ERR_STOPPED; those already accepted go on. */
  refuse(): void {
    this.#isStopping = true
  }

  endAll(reason: AmcpError): void {
    for (const call of this.#open.values()) call.end(reason)
  }

  answer(call: RemoteCall, isOk: boolean, value: unknown): void {
    this.abandoned(call)
    const agent = call.event.subject.slice(AGENT_TOPIC.length)
    this.#reply(call.event, agent, isOk, isOk ? value : toWireError(value))
  }

  abandoned(call: RemoteCall): void {
    this.#parts.wheel.remove(call)
    this.#open.delete(call.event.correlationid ?? '')
  }

  #refusal(target: AgentId): AmcpError | undefined {
    if (this.#isStopping) return new AmcpError('ERR_STOPPED', 'the context is stopping', { retryable: true })
    if (this.#parts.agents.get(target) === undefined) {
      return new AmcpError('ERR_AGENT_UNKNOWN', `no agent ${target} here`, { details: { agent: target } })
    }
    if (this.#open.size >= this.#limit) {
      this.#parts.ports.counters.add('calls.refused')
      return new AmcpError('ERR_MAILBOX_FULL', `${this.#limit} calls are open already`, { retryable: true })
    }
    return undefined
  }

  #reply(call: AmcpEvent, agent: AgentId, isOk: boolean, data: unknown): void {
    const event = this.#parts.events.reply(call, agent, isOk, data)
    try {
      this.#parts.broker.publish(event)?.catch((fault: unknown) => this.#unsent(call, agent, isOk, fault))
    } catch (fault) {
      this.#unsent(call, agent, isOk, fault)
    }
  }

  /** An output that cannot travel (too large, no JSON) is the callee's fault, and its caller is told so. */
  #unsent(call: AmcpEvent, agent: AgentId, isOutput: boolean, fault: unknown): void {
    this.#parts.ports.counters.add('calls.reply-unsent')
    if (!isOutput) return
    const capability = call.extensions?.['capability'] ?? ''
    this.#reply(call, agent, false, toWireError(handlerError(capability, agent, fault)))
  }
}
