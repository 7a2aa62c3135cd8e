import type { CallOptions } from '../calls/calls.ts'
import type { AgentId } from '../core/ids.ts'
import type { AmcpEvent } from '../events/event.ts'
import type { PublishOptions } from '../events/published-event.ts'

/** Data of a topic without a schema: whatever JSON gives, unchecked. */
export type UncheckedData = ReturnType<typeof JSON.parse>

/** What an agent's handlers can do; the second argument of each. */
export interface AgentSelf<State = unknown> {
  readonly id: AgentId
  readonly type: string
  readonly name: string | undefined
  /** The agent's own data. An assignment replaces it; it is checked against the schema when it is serialised. */
  state: State
  /**
   * Publishes to a topic. Resolves when the broker took the event, at once unless its queue is full.
   * ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED, ERR_TOPIC_FORBIDDEN, ERR_SCHEMA_MISMATCH, ERR_EVENT_INVALID,
   * ERR_EVENT_TOO_LARGE, ERR_EVENT_EXPIRED, ERR_STOPPED.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<void>
  /** Events of the pattern go to the handler, by way of the mailbox like all others. Ends with the agent. */
  subscribe(pattern: string, handler: (event: AmcpEvent<UncheckedData>) => void | Promise<void>): AgentSubscription
  /** Calls a capability or an agent. An agent that calls itself, also by way of others, waits until the deadline. */
  call(target: string, input: unknown, options?: CallOptions): Promise<UncheckedData>
  /** Runs once after `ms`, by way of the mailbox. Ends with the agent. */
  after(ms: number, run: () => void | Promise<void>): AgentTimer
  /** Runs each `ms`, counted from the end of the last run. Ends with the agent. */
  every(ms: number, run: () => void | Promise<void>): AgentTimer
  /** Wall time, ms since 1970, virtual in simulations. */
  now(): number
  /** Uniform in [0, 1), seeded in simulations. */
  random(): number
}

export interface AgentTimer {
  cancel(): void
}

export interface AgentSubscription {
  readonly pattern: string
  /** Resolves when the members of the mesh know of it, or after 2 s. */
  readonly ready: Promise<void>
  unsubscribe(): void
}
