import type { AmcpEvent } from './event.ts'

/**
 * Chains of causes (EV-3). What an agent publishes or calls while it handles an event names that event as its cause, and
 * keeps its correlation id and its trace. Most of that is never written: an event without a correlation id is the first of
 * its chain, and its id is the chain's; without a traceparent its trace is that of the chain's id. So events that nothing
 * caused cost nothing here, neither time nor bytes: making and writing a traceparent each was a quarter of the publisher's time.
 * @see W3C Trace Context, level 1
 */
export interface CauseChain {
  /** Id of the event or call that is being handled. */
  readonly causationid: string
  readonly correlationid: string
  /** Undefined when it follows from the correlation id. */
  readonly trace: Trace | undefined
}

interface Trace {
  /** 32 hexadecimal digits. */
  readonly id: string
  /** Two hexadecimal digits. */
  readonly flags: string
  /** What tracing systems pass along; W3C wants it kept with the trace. */
  readonly state: string | undefined
}

/** What of an event its effects must know. */
export interface Cause {
  readonly id: string
  /** Its own; undefined for the first event of a chain. */
  readonly correlationid: string | undefined
  /** As it was given; undefined when it follows from the rest. */
  readonly traceparent: string | undefined
  readonly tracestate?: string | undefined
}

/** An event that tells the attributes that somebody gave it from those that follow from them. */
export interface ImplyingEvent extends AmcpEvent {
  readonly givenCorrelation: string | undefined
  readonly givenTrace: string | undefined
}

/** Flags of a trace that nobody outside asked for: nothing says that it was recorded anywhere. */
const NOT_SAMPLED = '00'
/** A W3C trace context of the version that is spoken here: its trace and its flags. */
export const traceparentForm: RegExp = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/
const uuidForm = /^(?!00000000-0000-0000-0000-0{12})[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** A correlation id that somebody gave; undefined where the event's id stands in for it. */
export const givenCorrelation = (event: AmcpEvent): string | undefined =>
  isImplying(event) ? event.givenCorrelation : event.correlationid

/** A traceparent that somebody gave; undefined where it follows from the ids. */
export const givenTrace = (event: AmcpEvent): string | undefined =>
  isImplying(event) ? event.givenTrace : event.traceparent

const isImplying = (event: AmcpEvent): event is ImplyingEvent => 'givenTrace' in event

/** The traceparent of an event that was given none; undefined for an id that is no UUID, which only strangers send. */
export function impliedTrace(id: string, correlationid: string): string | undefined {
  if (!uuidForm.test(id)) return undefined
  return `00-${digitsOf(uuidForm.test(correlationid) ? correlationid : id)}-${spanOf(id)}-${NOT_SAMPLED}`
}

/** What the effects of an event carry. */
export function causeChainOf({ id, correlationid = id, traceparent, tracestate }: Cause): CauseChain {
  // A trace context that cannot be read starts anew, as W3C has it.
  const given = traceparent === undefined ? null : traceparentForm.exec(traceparent)
  if (given !== null) {
    return { causationid: id, correlationid, trace: { id: given[1]!, flags: given[2]!, state: tracestate } }
  }
  const isImplied = correlationid === id || uuidForm.test(correlationid)
  const trace = isImplied ? undefined : { id: digitsOf(id), flags: NOT_SAMPLED, state: undefined }
  return { causationid: id, correlationid, trace }
}

/** What an event passes on. */
export function causeChainOfEvent(event: AmcpEvent): CauseChain {
  return causeChainOf({
    id: event.id,
    correlationid: givenCorrelation(event),
    traceparent: givenTrace(event),
    tracestate: event.extensions?.['tracestate'],
  })
}

/** The chain of what a call causes, when the call itself is no event. @param caller what the caller handles */
export function causeChainOfCall(id: string, caller: CauseChain | undefined): CauseChain {
  return { causationid: id, correlationid: caller?.correlationid ?? id, trace: caller?.trace }
}

/**
 * The traceparent that an effect must be given: the chain's trace, and a span of its own. Undefined when it follows anyway.
 * @param id of the effect
 * @param correlationid that the effect has instead of the chain's
 */
export function traceWithin(chain: CauseChain, id: string, correlationid?: string): string | undefined {
  if (chain.trace !== undefined) return `00-${chain.trace.id}-${spanOf(id)}-${chain.trace.flags}`
  if (correlationid === undefined) return undefined
  return `00-${digitsOf(chain.correlationid)}-${spanOf(id)}-${NOT_SAMPLED}`
}

/** Extensions with the chain's tracestate, unless they have one. */
export function extensionsWithin(
  chain: CauseChain | undefined,
  extensions: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | undefined {
  const state = chain?.trace?.state
  return state === undefined ? extensions : { tracestate: state, ...extensions }
}

const digitsOf = (uuid: string): string => uuid.replaceAll('-', '')

/**
 * The span of an event: both halves of its id, folded. An id's random bits may all lie in one half and its counter in the
 * other, so neither half alone would tell publishers apart.
 */
function spanOf(id: string): string {
  const digits = digitsOf(id)
  const high = fold(digits, 0)
  const low = fold(digits, 8)
  // Zero is no span; only an id made for the purpose comes here.
  return high === 0 && low === 0 ? '0000000000000001' : hex(high) + hex(low)
}

const fold = (digits: string, at: number): number =>
  (Number.parseInt(digits.slice(at, at + 8), 16) ^ Number.parseInt(digits.slice(at + 16, at + 24), 16)) >>> 0

const hex = (word: number): string => word.toString(16).padStart(8, '0')
