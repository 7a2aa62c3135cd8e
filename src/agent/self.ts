import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { CallOptions } from '../calls/calls.ts'
import type { AgentId } from '../core/ids.ts'
import type { AmcpEvent } from '../events/event.ts'
import type { PublishOptions } from '../events/published-event.ts'
import type { Checked, UncheckedData } from './checked-data.ts'
import type { QueueOptions } from './queued-subscription.ts'
import type { EventStream } from './stream-subscription.ts'

/** What an agent's handlers can do; the second argument of each. */
export interface AgentSelf<State = unknown> {
  readonly id: AgentId
  readonly type: string
  readonly name: string | undefined
  /** The agent's own data. An assignment replaces it; it is checked against the schema when it is serialised. */
  state: State
  /**
   * Publishes to a topic. Resolves when the broker took the event, at once unless its queue is full.
   * What `Publisher.publish` and the broker throw, as rejections, and ERR_AGENT_STATE when the agent is destroyed.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<void>
  /**
   * Events of the pattern go to the handler, by way of the mailbox like all others. Ends with the agent.
   * ERR_AGENT_STATE when it is destroyed, ERR_QUEUE_FULL when it has 1,024 subscriptions.
   * @param options `schema`: what the data must fit, and what gives it its type; what does not is dropped and counted
   */
  subscribe<Schema extends StandardSchemaV1 | undefined = undefined>(
    pattern: string,
    handler: (event: AmcpEvent<Checked<Schema>>) => void | Promise<void>,
    options?: Pick<QueueOptions<Schema>, 'schema'>,
  ): AgentSubscription
  /**
   * Events of the pattern as an async iterator, for a handler that waits for some of them before it goes on. They pass by the
   * mailbox, since the handler that reads them has the turn meanwhile: nothing else of the agent is handled until its loop
   * ends. They wait in a queue of their own, as long as the mailbox unless `limit` says less; what finds no room is counted as
   * `agents.subscription-full`. A loop that a handler does not wait for runs beside the handlers, like any promise. What is
   * published in the loop is caused by what the agent is handling, not by the iterator's event. Ends when the context
   * stops or the agent is destroyed, so that its handler can end. Throws as above; a refused pattern rejects `next()`.
   */
  subscribe<Schema extends StandardSchemaV1 | undefined = undefined>(
    pattern: string,
    options?: QueueOptions<Schema>,
  ): EventStream<Checked<Schema>>
  /**
   * Calls a capability or an agent. An agent that calls itself, also by way of others, waits until the deadline.
   * What `Calls.call` rejects with, and ERR_AGENT_STATE when this agent is destroyed.
   */
  call(target: string, input: unknown, options?: CallOptions): Promise<UncheckedData>
  /** Runs once after `ms`, by way of the mailbox. Ends with the agent. ERR_AGENT_STATE, ERR_QUEUE_FULL above 1,024 timers. */
  after(ms: number, run: () => void | Promise<void>): AgentTimer
  /** Runs each `ms`, counted from the end of the last run. Throws as `after` does; RangeError for a period that is not above 0. */
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
  /**
   * Resolves when the members of the mesh know of it, or after 2 s.
   * ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED for topics of single agents, ERR_STOPPED.
   */
  readonly ready: Promise<void>
  unsubscribe(): void
}
