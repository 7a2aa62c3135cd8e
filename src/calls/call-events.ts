import type { Clock } from '../core/clock.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import { type CauseChain, causeChainOf, extensionsWithin, traceWithin } from '../events/cause-chain.ts'
import type { AmcpEvent } from '../events/event.ts'
import type { EventIds } from '../events/event-ids.ts'
import { topicOfAgent } from '../events/topic.ts'

export const CALL = 'amcp.command.call'
export const REPLY = 'amcp.command.reply'
export const CANCEL = 'amcp.command.cancel'

export interface CallAttributes {
  readonly id: string
  readonly caller: AgentId
  readonly target: AgentId
  readonly capability: string
  readonly input: unknown
  /** Time left, in ms. */
  readonly remaining: number
  readonly priority: number
  /** Of what the caller is handling. */
  readonly chain: CauseChain | undefined
}

/** What a reply must know of its call. */
export interface CallToAnswer {
  readonly correlation: string
  readonly eventId: string
  /** Trace context of the call, if it was given one. */
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
  readonly caller: AgentId
  readonly target: AgentId
  readonly priority: number
}

/** The three events that a call is made of on its way between contexts. */
export class CallEvents {
  readonly #self: ContextId
  readonly #clock: Clock
  readonly #ids: EventIds
  readonly #topics = new Map<AgentId, string>()
  readonly #sources = new Map<AgentId, string>()
  #stamped = -1
  #time = ''
  #expires = -1
  #expiry = ''

  constructor(self: ContextId, clock: Clock, ids: EventIds) {
    this.#self = self
    this.#clock = clock
    this.#ids = ids
  }

  /**
   * Without a cause the call is the first event of a chain: its correlation id is its own. `expirytime` is for people and other implementations; `timeoutms`
   * is what the target goes by, since the clocks of two machines may differ by more than a deadline.
   */
  call(call: CallAttributes): AmcpEvent {
    const now = this.#clock.now()
    const { chain } = call
    return {
      specversion: '1.0',
      id: call.id,
      source: this.#source(call.caller),
      type: CALL,
      subject: this.#topic(call.target),
      time: this.#timestamp(now),
      datacontenttype: call.input instanceof Uint8Array ? 'application/octet-stream' : 'application/json',
      data: call.input === undefined ? null : call.input,
      correlationid: chain?.correlationid ?? call.id,
      causationid: chain?.causationid,
      traceparent: chain && traceWithin(chain, call.id),
      replyto: this.#topic(call.caller),
      expirytime: this.#expirytime(now + Math.ceil(call.remaining)),
      priority: call.priority,
      extensions: extensionsWithin(chain, extensionsOf(call)),
    }
  }

  /** @param isOk whether `data` is the output; else it is a WireError */
  reply(call: CallToAnswer, isOk: boolean, data: unknown): AmcpEvent {
    const id = this.#ids.next()
    const chain = causeChainOfServed(call)
    return {
      specversion: '1.0',
      id,
      source: this.#source(call.target),
      type: REPLY,
      subject: this.#topic(call.caller),
      time: this.#timestamp(this.#clock.now()),
      datacontenttype: data instanceof Uint8Array ? 'application/octet-stream' : 'application/json',
      data: data === undefined ? null : data,
      correlationid: call.correlation,
      causationid: call.eventId,
      traceparent: traceWithin(chain, id),
      priority: call.priority,
      extensions: extensionsWithin(chain, isOk ? OUTCOME_OK : OUTCOME_ERROR),
    }
  }

  cancel(call: CallAttributes): AmcpEvent {
    const id = this.#ids.next()
    const { chain } = call
    return {
      specversion: '1.0',
      id,
      source: this.#source(call.caller),
      type: CANCEL,
      subject: this.#topic(call.target),
      time: this.#timestamp(this.#clock.now()),
      datacontenttype: 'application/json',
      data: null,
      correlationid: chain?.correlationid ?? call.id,
      causationid: call.id,
      traceparent: chain && traceWithin(chain, id),
      priority: call.priority,
    }
  }

  // Names are kept as the same strings, because those who look them up then need not hash them again.
  #source(agent: AgentId): string {
    return this.#sources.get(agent) ?? remember(this.#sources, agent, `amcp://${this.#self}/${agent}`)
  }

  #topic(agent: AgentId): string {
    return this.#topics.get(agent) ?? remember(this.#topics, agent, topicOfAgent(agent))
  }

  /** Calls of one millisecond mostly have the same deadline, too. */
  #expirytime(at: number): string {
    if (at !== this.#expires) {
      this.#expires = at
      this.#expiry = new Date(at).toISOString()
    }
    return this.#expiry
  }

  /** `toISOString` costs 350 ns, and many events share a millisecond. */
  #timestamp(now: number): string {
    if (now !== this.#stamped) {
      this.#stamped = now
      this.#time = new Date(now).toISOString()
    }
    return this.#time
  }
}

const MAX_NAMES = 16_384

function remember(names: Map<AgentId, string>, agent: AgentId, name: string): string {
  if (names.size >= MAX_NAMES) names.clear()
  names.set(agent, name)
  return name
}

function extensionsOf({ capability, remaining }: CallAttributes): Record<string, string> {
  const timeoutms = String(Math.ceil(remaining))
  return capability === '' ? { timeoutms } : { capability, timeoutms }
}

/** What the effects of a call carry, its reply among them. */
export const causeChainOfServed = ({ eventId, correlation, traceparent, tracestate }: CallToAnswer): CauseChain =>
  causeChainOf({ id: eventId, correlationid: correlation, traceparent, tracestate })

const OUTCOME_OK = { outcome: 'ok' } as const
const OUTCOME_ERROR = { outcome: 'error' } as const

/** Whether a reply carries an output rather than an error. */
export function isOutput(reply: AmcpEvent): boolean {
  return reply.extensions?.['outcome'] === 'ok'
}

/** The agent at the end of a source; empty for a source that names none. */
export function agentOf(source: string): AgentId {
  return source.slice(source.lastIndexOf('/') + 1)
}
