import type { EventBroker } from '../broker/event-broker.ts'
import { AmcpError, type ErrorCode } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { AmcpEvent } from '../events/event.ts'
import { fromWireError } from './call-error.ts'
import { type CallEvents, isOutput } from './call-events.ts'
import { CallRoutes } from './call-routes.ts'
import type { DeadlineWheel } from './deadline-wheel.ts'
import type { Directory, Lanes, LocalAgents } from './directory.ts'
import { deadlineError } from './incoming-call.ts'
import type { OutgoingCall, OutgoingCallOwner } from './outgoing-call.ts'

export interface OutgoingCallsComponents {
  readonly ports: Ports
  readonly broker: EventBroker
  readonly directory: Directory
  readonly lanes: Lanes
  readonly agents: LocalAgents
  readonly events: CallEvents
  readonly wheel: DeadlineWheel
}

/** Called agents whose source is remembered; an agent's source is the same for its whole life. */
const MAX_SOURCES = 16_384

/** Answers that say "not here, not now" without the handler having run: the next call asks somebody else first. */
const REFUSALS: ReadonlySet<string> = new Set<ErrorCode>([
  'ERR_AGENT_STATE',
  'ERR_AGENT_UNKNOWN',
  'ERR_MAILBOX_FULL',
  'ERR_STOPPED',
])

/** The calls of this context that wait for somebody else: for a provider to become known, or for its reply. */
export class OutgoingCalls implements OutgoingCallOwner {
  readonly #parts: OutgoingCallsComponents
  /** Sent, by the ids of their events: a chain's calls share one correlation id. */
  readonly #sent = new Map<string, OutgoingCall>()
  readonly #waiting = new Set<OutgoingCall>()
  readonly #sources = new Map<AgentId, { readonly context: ContextId; readonly source: string }>()
  /** Not sent yet, because the way to the chosen context is still being made. */
  readonly #reaching = new Map<ContextId, Set<OutgoingCall>>()
  readonly #routes: CallRoutes
  #unsent = 0

  constructor(components: OutgoingCallsComponents) {
    const { ports, directory, agents } = components
    this.#parts = components
    const isInDoubt = (context: ContextId): boolean => this.#reaching.size > 0 && this.#reaching.has(context)
    this.#routes = new CallRoutes({ clock: ports.clock, directory, agents, isInDoubt })
  }

  get size(): number {
    return this.#sent.size + this.#waiting.size + this.#unsent
  }

  get now(): number {
    return this.#parts.ports.clock.monotonic()
  }

  /** Sends the call, or keeps it until the mesh has converged so far that a provider or a "no" is known. */
  add(call: OutgoingCall): void {
    const fault = this.#routes.choose(call)
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
      const fault = this.#routes.choose(call)
      if (fault === undefined && call.target === '') continue
      this.#waiting.delete(call)
      if (fault === undefined) this.#send(call)
      else this.#fail(call, fault)
    }
  }

  isBusyWith(context: ContextId): boolean {
    for (const call of this.#sent.values()) if (call.context === context) return true
    return false
  }

  /** The link to a context is gone: a reply would have come over it. Later calls go to others first. */
  contextLost(context: ContextId): void {
    this.#routes.demote(context)
    for (const call of this.#sent.values()) {
      if (call.context === context) this.#fail(call, targetLost(call))
    }
  }

  /** There is a link to the context. */
  contextFound(context: ContextId): void {
    this.#routes.restore(context)
  }

  /** Calls to members that have left fail. */
  membersChanged(): void {
    for (const call of this.#sent.values()) {
      if (call.context !== this.#parts.directory.self && !this.#routes.isPresent(call.context)) {
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
    if (isOutput(event)) {
      call.complete(output)
      return
    }
    const fault = fromWireError(output)
    if (REFUSALS.has(fault.code)) this.#routes.demote(call.target)
    call.fail(fault)
  }

  expired(call: OutgoingCall): void {
    this.#parts.ports.counters.add('calls.deadline')
    if (call.target === '') this.#fail(call, notConverged(call.wanted))
    else this.#fail(call, deadlineError(call.wanted))
  }

  aborted(call: OutgoingCall, reason: unknown): void {
    const wasSent = this.#sent.has(call.id)
    this.#fail(call, reason)
    if (!wasSent) return
    this.#parts.ports.counters.add('calls.cancelled')
    this.#publish(this.#parts.events.cancel(call), () => this.#parts.ports.counters.add('calls.cancel-unsent'))
  }

  failAll(reason: AmcpError): void {
    const reaching = [...this.#reaching.values()].flatMap((calls) => [...calls])
    for (const call of [...this.#sent.values(), ...this.#waiting, ...reaching]) this.#fail(call, reason)
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

  /** Sends a call that has a target, once there is a way to it. */
  #send(call: OutgoingCall): void {
    const { directory, lanes } = this.#parts
    const { context } = call
    if (context === directory.self || lanes.isOpen(context)) this.#dispatch(call)
    else this.#reach(context, call)
  }

  #reach(context: ContextId, call: OutgoingCall): void {
    this.#unsent += 1
    const others = this.#reaching.get(context)
    if (others !== undefined) {
      others.add(call)
      return
    }
    this.#reaching.set(context, new Set([call]))
    this.#parts.lanes.reach(context).then(
      () => this.#reached(context),
      (fault: unknown) => this.#notReached(context, fault),
    )
  }

  #reached(context: ContextId): void {
    this.#routes.restore(context)
    for (const call of this.#takeReaching(context)) this.#dispatch(call)
  }

  /** Nothing was sent, so that each call may go to the next provider. */
  #notReached(context: ContextId, fault: unknown): void {
    const { counters, logger } = this.#parts.ports
    counters.add('calls.unreachable')
    logger.debug({ context, error: String(fault) }, 'a provider cannot be reached')
    this.#routes.demote(context)
    for (const call of this.#takeReaching(context)) {
      call.tried ??= new Set()
      call.tried.add(context)
      call.target = ''
      call.context = ''
      const end = this.#routes.choose(call)
      if (end !== undefined) this.#fail(call, end)
      else if (call.target === '') this.#waiting.add(call)
      else this.#send(call)
    }
  }

  #takeReaching(context: ContextId): Iterable<OutgoingCall> {
    const calls = this.#reaching.get(context) ?? new Set()
    this.#reaching.delete(context)
    this.#unsent -= calls.size
    return calls
  }

  #dispatch(call: OutgoingCall): void {
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
    if (this.#unsent > 0 && this.#reaching.get(call.context)?.delete(call)) this.#unsent -= 1
  }
}

function targetLost(call: OutgoingCall): AmcpError {
  return new AmcpError('ERR_CALL_TARGET_LOST', `the context of ${call.target} was lost during the call`, {
    retryable: true,
    details: { agent: call.target, context: call.context, sent: true },
  })
}

function notConverged(wanted: string): AmcpError {
  return new AmcpError('ERR_NOT_CONVERGED', `nobody known offers ${wanted}, but not all members were heard`, {
    retryable: true,
    details: { target: wanted },
  })
}
