import type { EventBroker } from '../broker/event-broker.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { CauseChain } from '../events/cause-chain.ts'
import type { AmcpEvent } from '../events/event.ts'
import { EventIds } from '../events/event-ids.ts'
import { isExpired } from '../events/expiry.ts'
import { PublishedEvent, type PublishOptions } from '../events/published-event.ts'
import { sourceOf } from '../events/source.ts'
import { invalidAttribute } from '../events/validate-event.ts'
import { CheckedEvent } from './checked-event.ts'

/** What must hold before an event may leave. */
export interface PublishChecks {
  /** ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED. */
  topic(topic: string): void
  /** The data as the topic's schema gives it back; ERR_SCHEMA_MISMATCH. */
  data(topic: string, data: unknown): unknown
  /** ERR_EVENT_INVALID. */
  event(event: AmcpEvent): void
}

export interface PublisherComponents {
  readonly self: ContextId
  readonly ports: Ports
  readonly broker: EventBroker
  readonly checks: PublishChecks
}

/** Most publishes that a loop gets done before everything else has its turn. */
const PUBLISHES_A_TURN = 1_024

/** Shared by all that were taken at once: a promise an event would cost more than its stamp. */
const taken = Promise.resolve()

/** Makes events of what agents publish: id, source and time are stamped here, and nothing unfit goes further. */
export class Publisher {
  readonly #parts: PublisherComponents
  readonly #ids: EventIds
  #stamped = -1
  #time = ''
  /** Whose events the last source was for: one string for a run of events costs their readers one look-up. */
  #agent: AgentId = ''
  #source = ''
  #published = 0

  constructor(components: PublisherComponents) {
    this.#parts = components
    this.#ids = new EventIds(components.ports.random)
  }

  /**
   * Returns nothing when the broker took the event at once.
   * ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED, ERR_SCHEMA_MISMATCH, ERR_EVENT_INVALID, ERR_EVENT_TOO_LARGE, ERR_EVENT_EXPIRED;
   * what the broker throws, as its port lists it.
   * @param chain of what the agent is handling
   */
  publish(
    agent: AgentId,
    topic: string,
    data: unknown,
    options?: PublishOptions,
    chain?: CauseChain,
  ): undefined | Promise<void> {
    const { ports, broker, checks } = this.#parts
    checks.topic(topic)
    const checked = checks.data(topic, data)
    const event = new PublishedEvent(
      this.#ids.next(),
      this.#sourceOf(agent),
      topic,
      this.#timestamp(ports.clock.now()),
      checked === undefined ? null : checked,
      options,
      chain,
    )
    // What is stamped here is right by construction, which leaves what the caller added.
    if (options !== undefined) {
      checks.event(event)
      if (isExpired(event, ports.clock)) throw expired(options.expirytime)
    }
    return broker.publish(event)
  }

  /**
   * Publishes an event that the agent made itself, with its own id, time and cause. Nothing in it is right by construction, so
   * all of it is checked, by the same checks, and that it speaks for nobody else.
   * ERR_EVENT_INVALID, ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED, ERR_SCHEMA_MISMATCH, ERR_EVENT_TOO_LARGE, ERR_EVENT_EXPIRED;
   * what the broker throws.
   */
  publishMade(agent: AgentId, event: AmcpEvent): undefined | Promise<void> {
    const { ports, broker, checks } = this.#parts
    checks.event(event)
    if (event.source !== this.#sourceOf(agent))
      throw invalidAttribute('source', `is foreign: it does not name ${agent}`)
    checks.topic(event.subject)
    const data = checks.data(event.subject, event.data)
    if (isExpired(event, ports.clock)) throw expired(event.expirytime)
    return broker.publish(data === event.data ? event : new CheckedEvent(event, data))
  }

  /**
   * The same as `publish`, for callers who await: every fault is a rejection. Now and then it resolves at the end of the turn only,
   * because an endless loop over a promise that is resolved already would let nothing else in the process happen.
   */
  publishing(
    agent: AgentId,
    topic: string,
    data: unknown,
    options?: PublishOptions,
    chain?: CauseChain,
  ): Promise<void> {
    try {
      const waiting = this.publish(agent, topic, data, options, chain)
      if (waiting !== undefined) return waiting
      this.#published += 1
      return this.#published % PUBLISHES_A_TURN === 0 ? this.#turn() : taken
    } catch (fault) {
      return Promise.reject(fault)
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#parts.ports.clock.endOfTurn(resolve))
  }

  #sourceOf(agent: AgentId): string {
    if (agent !== this.#agent) {
      this.#agent = agent
      this.#source = sourceOf(this.#parts.self, agent)
    }
    return this.#source
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

const expired = (expirytime: string | undefined): AmcpError =>
  new AmcpError('ERR_EVENT_EXPIRED', `the event's expirytime ${expirytime} has passed`, { details: { expirytime } })
