import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Counters } from '../core/counters.ts'
import type { AmcpEvent } from '../events/event.ts'
import type { HostedAgent } from './hosted-agent.ts'
import type { PatternListener } from './shared-subscriptions.ts'
import { type EventTarget, EventTask } from './work.ts'

/** A subscription with a schema, a handler of its own, or both: its events wait in the agent's mailbox like all others. */
export class AgentListener implements PatternListener, EventTarget {
  readonly pattern: string
  readonly schema: StandardSchemaV1 | undefined
  readonly #agent: HostedAgent
  readonly #counters: Counters
  readonly #handler: ((event: AmcpEvent) => unknown) | undefined

  /** @param handler without one the event goes to the agent's `handleEvent` */
  constructor(
    pattern: string,
    agent: HostedAgent,
    counters: Counters,
    { schema, handler }: { schema?: StandardSchemaV1 | undefined; handler?: (event: AmcpEvent) => unknown },
  ) {
    this.pattern = pattern
    this.schema = schema
    this.#agent = agent
    this.#counters = counters
    this.#handler = handler
  }

  receive(event: AmcpEvent): void {
    this.#agent.put(new EventTask(event, this), event.priority ?? 4)
  }

  handle(event: AmcpEvent): unknown {
    return this.#handler === undefined ? this.#agent.agent.handleEvent(event) : this.#handler(event)
  }

  mismatch(): void {
    this.#counters.add('agents.data-mismatch')
  }
}
