import { AmcpError, type ErrorCode } from '../core/errors.ts'

/** Faults that the called context reports as such; whatever else a handler throws reaches the caller as ERR_CALL_FAILED. */
const FAULTS_OF_THE_TARGET: ReadonlySet<string> = new Set<ErrorCode>([
  'ERR_AGENT_STATE',
  'ERR_AGENT_UNKNOWN',
  'ERR_CALL_DEADLINE',
  'ERR_CALL_FAILED',
  'ERR_CAPABILITY_UNKNOWN',
  'ERR_MAILBOX_FULL',
  'ERR_SCHEMA_MISMATCH',
  'ERR_STOPPED',
])

/** Longest message of an error that crosses the wire, in UTF-16 units: a stack trace is not a message. */
const MAX_MESSAGE = 1_024

export interface WireError {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>
}

/** What a handler threw, as its caller sees it. The original is the `cause`, which never leaves the process. */
export function handlerError(capability: string, agent: string, thrown: unknown): AmcpError {
  const { name, message, code } = thrown instanceof Error ? (thrown as Error & { code?: unknown }) : unnamed(thrown)
  return new AmcpError('ERR_CALL_FAILED', `${capability} of ${agent} failed: ${message}`, {
    cause: thrown,
    details: typeof code === 'string' ? { agent, capability, name, code } : { agent, capability, name },
  })
}

/** The border outwards: an error as JSON. */
export function toWireError(error: unknown): WireError {
  const known = error instanceof AmcpError ? error : handlerError('the call', 'the target', error)
  return {
    code: known.code,
    message: known.message.slice(0, MAX_MESSAGE),
    retryable: known.retryable,
    details: jsonDetails(known.details),
  }
}

/** The border inwards: what another context sent, which may be anything, as an error of ours. */
export function fromWireError(data: unknown): AmcpError {
  const { code, message, retryable, details } = (isRecord(data) ? data : {}) as Partial<
    Record<keyof WireError, unknown>
  >
  const text = typeof message === 'string' ? message.slice(0, MAX_MESSAGE) : 'the target answered with an error'
  const fields = isRecord(details) ? details : {}
  if (typeof code === 'string' && FAULTS_OF_THE_TARGET.has(code)) {
    return new AmcpError(code as ErrorCode, text, { retryable: retryable === true, details: fields })
  }
  return new AmcpError('ERR_CALL_FAILED', text, { details: typeof code === 'string' ? { ...fields, code } : fields })
}

function unnamed(thrown: unknown): { name: string; message: string; code?: unknown } {
  return { name: typeof thrown, message: String(thrown) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Details that cannot be JSON (a cycle, a BigInt) are left out: the error itself must arrive. */
function jsonDetails(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    return JSON.parse(JSON.stringify(details)) as Record<string, unknown>
  } catch (fault) {
    return { unserialisable: fault instanceof Error ? fault.message : String(fault) }
  }
}
