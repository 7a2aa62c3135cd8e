/** Every stable error code of the project, each thrown for one kind of fault. Add a code here before you throw it. */
export type ErrorCode =
  // events and topics
  | 'ERR_EVENT_INVALID' // an attribute breaks CloudEvents or AMCP; details: { attribute }
  | 'ERR_EVENT_TOO_LARGE' // details: { size, limit }
  | 'ERR_EVENT_EXPIRED' // its expirytime has passed before it was published; details: { expirytime }
  | 'ERR_TOPIC_INVALID' // details: { topic }
  | 'ERR_TOPIC_RESERVED' // details: { topic }
  | 'ERR_TOPIC_FORBIDDEN' // the context's membership does not let it publish there; details: { topic }
  | 'ERR_SCHEMA_MISMATCH' // data does not fit its schema; details: { path, issues }
  // frames and credentials
  | 'ERR_FRAME_INVALID' // details: { reason }
  | 'ERR_SIGNATURE_INVALID'
  | 'ERR_CREDENTIAL_INVALID' // details: { reason }
  // store and context folder
  | 'ERR_STORE_UNREADABLE'
  | 'ERR_STORE_CLOSED'
  | 'ERR_FOLDER_IN_USE'
  | 'ERR_MESH_FILE_INVALID'
  // network and membership
  | 'ERR_ADDRESS_IN_USE'
  | 'ERR_LISTEN_FAILED' // the network cannot start at these addresses; details: { listen, reason }, the reason as the system names it
  | 'ERR_DIAL_FAILED'
  | 'ERR_NOT_CONNECTED'
  | 'ERR_STREAM_CLOSED'
  | 'ERR_PROTOCOL_REFUSED'
  | 'ERR_WRONG_MESH'
  | 'ERR_NOT_A_MEMBER'
  | 'ERR_MEMBERSHIP_EXPIRED'
  | 'ERR_CLOCK_SKEW'
  | 'ERR_VERSION_UNSUPPORTED'
  | 'ERR_DUPLICATE_IDENTITY'
  | 'ERR_ENTRY_TOO_LARGE' // what a context says it offers is more than others take; details: { size, limit, what }
  // delivery
  | 'ERR_QUEUE_FULL'
  | 'ERR_MAILBOX_FULL'
  // agents and calls
  | 'ERR_AGENT_UNKNOWN'
  | 'ERR_AGENT_EXISTS'
  | 'ERR_AGENT_STATE' // the agent's life-cycle state does not allow this
  | 'ERR_CAPABILITY_UNKNOWN' // nobody in a converged mesh offers it
  | 'ERR_NOT_CONVERGED' // perhaps somebody offers it; not all members have been heard yet
  | 'ERR_CALL_DEADLINE'
  | 'ERR_CALL_FAILED' // the handler threw; details: { name, code }
  | 'ERR_CALL_TARGET_LOST'
  | 'ERR_AGENT_BLOCKS' // never thrown: a line of the watchdog on standard error; details are fields of that line
  // life cycle and command
  | 'ERR_STOPPED'
  | 'ERR_STOP_TIMEOUT' // a part did not stop in time and was left behind; details: { part }
  | 'ERR_CONTROL_UNAVAILABLE'
  | 'ERR_USAGE'

export interface AmcpErrorOptions {
  cause?: unknown
  /** Whether the same act may succeed later without a change by the caller. @default false */
  retryable?: boolean
  /** Fields that say which: plain JSON values, so that an error can cross the wire. */
  details?: Readonly<Record<string, unknown>>
}

/** Every fault that this library reports by throwing. A caller's mistake in types is a TypeError or RangeError instead. */
export class AmcpError extends Error {
  override readonly name = 'AmcpError'
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: AmcpErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? false
    this.details = options.details ?? {}
  }
}
