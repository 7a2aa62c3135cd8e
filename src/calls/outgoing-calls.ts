import type { EventBroker } from '../broker/event-broker.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { AmcpEvent } from '../events/event.ts'
import { fromWireError } from './call-error.ts'
import { type CallEvents, isAgentId, isOutput } from './call-events.ts'
import type { DeadlineWheel } from './deadline-wheel.ts'
import type { Directory, LocalAgents } from './directory.ts'
import { deadlineError } from './incoming-call.ts'
import type { OutgoingCall, OutgoingCallOwner } from './outgoing-call.ts'

export interface OutgoingCallsComponents {
  readonly ports: Ports
  readonly broker: EventBroker
  readonly directory: Directory
  readonly agents: LocalAgents
  readonly events: CallEvents
  readonly wheel: DeadlineWheel
}

/** Called agents whose source is remembered; an agent's source is the same for its whole life. */
const MAX_SOURCES = 16_384

/** The calls of this context that wait for somebody else: for a provider to become known, or for its reply. */
export class OutgoingCalls implements OutgoingCallOwner {
  readonly #parts: OutgoingCallsComponents
  /** Sent, by the ids of their events: a chain's calls share one correlation id. */
  readonly #sent = new Map<string, OutgoingCall>()
  readonly #waiting = new Set<OutgoingCall>()
  readonly #sources = new Map<AgentId, { readonly context: ContextId; readonly source: string }>()
  #present: readonly ContextId[] = []
  #members: ReadonlySet<ContextId> = new Set()
  #turn = 0

  constructor(components: OutgoingCallsComponents) {
    this.#parts = components
  }

  get size(): number {
    return this.#sent.size + this.#waiting.size
  }

  get now(): number {
    return this.#parts.ports.clock.monotonic()
  }

  /** Sends the call, or keeps it until the mesh has converged so far that a provider or a "no" is known. */
  add(call: OutgoingCall): void {
    const fault = this.#route(call)
    if (fault !== undefined) {
      call.fail(fault)
      return
    }
    this.#parts.wheel.add(call)
    if (call.target === '') this.#waiting.add(call)
    else this.#send(call)
  }

  /** Offers, members or local agents have changed: calls that waited for it go out, those whose target left fail. */
  reconsider(): void {
    for (const call of this.#waiting) {
      const fault = this.#route(call)
      if (fault === undefined && call.target === '') continue
      this.#waiting.delete(call)
      if (fault === undefined) this.#send(call)
      else this.#fail(call, fault)
    }
  }

  /** The link to a context is gone: a reply would have come over it. */
  contextLost(context: ContextId): void {
    for (const call of this.#sent.values()) {
      if (call.context === context) this.#fail(call, targetLost(call))
    }
  }

  /** Calls to members that have left fail. */
  membersChanged(): void {
    for (const call of this.#sent.values()) {
      if (call.context !== this.#parts.directory.self && !this.#isPresent(call.context)) {
        this.#fail(call, targetLost(call))
      }
    }
  }

  /** A reply counts only for the call it names and from the agent that was called. */
  onReply(event: AmcpEvent): void {
    const call = this.#sent.get(event.causationid ?? '')
    if (call === undefined) {
      this.#parts.ports.counters.add('calls.reply-late')
      return
    }
    if (event.source !== this.#sourceOf(call)) {
      this.#parts.ports.counters.add('calls.reply-foreign')
      return
    }
    this.#forget(call)
    let output: unknown
    try {
      output = event.data
    } catch (fault) {
      this.#parts.ports.counters.add('calls.reply-unreadable')
      call.fail(fault)
      return
    }
    if (isOutput(event)) call.complete(output)
    else call.fail(fromWireError(output))
  }

  expired(call: OutgoingCall): void {
    this.#parts.ports.counters.add('calls.deadline')
    if (call.target === '') this.#fail(call, notConverged(call.wanted))
    else this.#fail(call, deadlineError(call.wanted))
  }

  aborted(call: OutgoingCall, reason: unknown): void {
    const wasSent = call.target !== ''
    this.#fail(call, reason)
    if (!wasSent) return
    this.#parts.ports.counters.add('calls.cancelled')
    this.#publish(this.#parts.events.cancel(call), () => this.#parts.ports.counters.add('calls.cancel-unsent'))
  }

  failAll(reason: AmcpError): void {
    for (const call of [...this.#sent.values(), ...this.#waiting]) this.#fail(call, reason)
  }

  /** Sets the call's target; returns the fault that makes further waiting pointless. */
  #route(call: OutgoingCall): AmcpError | undefined {
    const { agents, directory } = this.#parts
    const local = isAgentId(call.wanted) ? agents.get(call.wanted) : agents.offering(call.wanted)
    if (local !== undefined) {
      call.target = local.id
      call.context = directory.self
      return undefined
    }
    return isAgentId(call.wanted) ? this.#routeToAgent(call) : this.#routeToProvider(call)
  }

  #routeToAgent(call: OutgoingCall): AmcpError | undefined {
    const { directory } = this.#parts
    const origin = directory.contextOfAgent(call.wanted)
    // An origin that has left the mesh is remembered, but nobody answers there.
    const context = origin === directory.self || this.#isPresent(origin) ? origin : undefined
    if (context === directory.self || (context === undefined && directory.isConverged)) {
      return new AmcpError('ERR_AGENT_UNKNOWN', `no agent ${call.wanted} in the mesh`, {
        details: { agent: call.wanted },
      })
    }
    if (context !== undefined) {
      call.target = call.wanted
      call.context = context
    }
    return undefined
  }

  /** As the same string for the same agent: comparing a new one costs as much as making it. */
  #sourceOf({ context, target }: OutgoingCall): string {
    const known = this.#sources.get(target)
    // Somebody may have offered an agent that is not its own: then the next call of the agent itself differs.
    if (known?.context === context) return known.source
    if (this.#sources.size >= MAX_SOURCES) this.#sources.clear()
    const source = `amcp://${context}/${target}`
    this.#sources.set(target, { context, source })
    return source
  }

  #isPresent(context: ContextId | undefined): boolean {
    const { present } = this.#parts.directory
    if (present !== this.#present) {
      this.#present = present
      this.#members = new Set(present)
    }
    return context !== undefined && this.#members.has(context)
  }

  #routeToProvider(call: OutgoingCall): AmcpError | undefined {
    const { directory } = this.#parts
    const { offers, complete } = directory.offersOf(call.wanted)
    for (let tried = 0; tried < offers.length; tried++) {
      const offer = offers[this.#turn++ % offers.length]!
      // Our own offers were looked for among the local agents: one that is still listed has gone.
      if (offer.context === directory.self) continue
      call.target = offer.agent
      call.context = offer.context
      return undefined
    }
    if (!complete) return undefined
    return new AmcpError('ERR_CAPABILITY_UNKNOWN', `nobody in the mesh offers ${call.wanted}`, {
      details: { capability: call.wanted },
    })
  }

  #send(call: OutgoingCall): void {
    this.#sent.set(call.id, call)
    this.#publish(this.#parts.events.call(call), (fault) => this.#fail(call, fault))
  }

  #publish(event: AmcpEvent, onFault: (fault: unknown) => void): void {
    try {
      this.#parts.broker.publish(event)?.catch(onFault)
    } catch (fault) {
      onFault(fault)
    }
  }

  #fail(call: OutgoingCall, reason: unknown): void {
    this.#forget(call)
    call.fail(reason)
  }

  #forget(call: OutgoingCall): void {
    this.#parts.wheel.remove(call)
    this.#sent.delete(call.id)
    this.#waiting.delete(call)
  }
}

function targetLost(call: OutgoingCall): AmcpError {
  return new AmcpError('ERR_CALL_TARGET_LOST', `the context of ${call.target} was lost during the call`, {
    retryable: true,
    details: { agent: call.target, context: call.context },
  })
}

function notConverged(wanted: string): AmcpError {
  return new AmcpError('ERR_NOT_CONVERGED', `nobody known offers ${wanted}, but not all members were heard`, {
    retryable: true,
    details: { target: wanted },
  })
}
