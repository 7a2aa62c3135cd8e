import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { AmcpEvent } from '../events/event.ts'
import { anyOf, parsePattern } from '../events/pattern.ts'
import type { DataChecks } from './data-checks.ts'
import type { HostedAgent } from './hosted-agent.ts'
import type { PatternListener } from './shared-subscriptions.ts'
import { type EventTarget, EventTask } from './work.ts'

/**
 * The patterns of one definition, when any of them has a schema: it hears each event once, however many fit, as one without
 * schemas does. The first pattern that fits, in the order in which they are written, says by which schema.
 */
export class CheckedPatterns implements PatternListener {
  readonly #agent: HostedAgent
  readonly #targets: readonly { readonly fits: (topic: string) => boolean; readonly target: AgentListener }[]
  #last = 0

  constructor(agent: HostedAgent, patterns: ReadonlyMap<string, StandardSchemaV1 | undefined>) {
    this.#agent = agent
    this.#targets = [...patterns].map(([pattern, schema]) => ({
      fits: anyOf([parsePattern(pattern)]),
      target: new AgentListener(pattern, agent, { schema }),
    }))
  }

  receive(event: AmcpEvent, delivery: number): void {
    if (delivery === this.#last) return
    this.#last = delivery
    const last = this.#targets.length - 1
    let at = 0
    // What came fits one of them: the last needs no look.
    while (at < last && !this.#targets[at]!.fits(event.subject)) at += 1
    this.#agent.put(new EventTask(event, this.#targets[at]!.target), event.priority ?? 4)
  }
}

/** A subscription with a schema, a handler of its own, or both: its events wait in the agent's mailbox like all others. */
export class AgentListener implements PatternListener, EventTarget {
  readonly pattern: string
  readonly schema: StandardSchemaV1 | undefined
  readonly checks: DataChecks | undefined
  readonly #agent: HostedAgent
  readonly #handler: ((event: AmcpEvent) => unknown) | undefined

  /** @param handler without one the event goes to the agent's `handleEvent` */
  constructor(
    pattern: string,
    agent: HostedAgent,
    { schema, handler }: { schema?: StandardSchemaV1 | undefined; handler?: (event: AmcpEvent) => unknown },
  ) {
    this.pattern = pattern
    this.schema = schema
    this.checks = agent.checksFor(schema !== undefined)
    this.#agent = agent
    this.#handler = handler
  }

  receive(event: AmcpEvent): void {
    this.#agent.put(new EventTask(event, this), event.priority ?? 4)
  }

  handle(event: AmcpEvent): unknown {
    return this.#handler === undefined ? this.#agent.agent.handleEvent(event) : this.#handler(event)
  }
}
