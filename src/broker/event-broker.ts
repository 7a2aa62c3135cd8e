import type { LifeCycle } from '../core/life-cycle.ts'
import type { AmcpEvent } from '../events/event.ts'

/** The port behind which topics travel: memory, the mesh, later Kafka, NATS, MQTT and AMQP. */
export interface EventBroker extends LifeCycle {
  /**
   * Takes an event that is valid already. Never waits for a handler, only for its own bounded queue.
   * Returns nothing when taken at once, a promise while the queue is full. A broker adds to what made the event valid only
   * what it alone can know:
   * ERR_TOPIC_FORBIDDEN and ERR_TOPIC_RESERVED for what the context's membership does not cover, ERR_AGENT_UNKNOWN for the topic
   * of an agent whose context is not known, ERR_EVENT_INVALID for a source that is no agent of this context and for data or
   * attributes that cannot be written, ERR_EVENT_TOO_LARGE, ERR_STOPPED.
   */
  publish(event: AmcpEvent): undefined | Promise<void>
  /**
   * Resolves as PROTOCOL.md says: when the members that must know of the pattern have acknowledged it, or after 2 s.
   * ERR_TOPIC_INVALID, ERR_STOPPED.
   */
  subscribe(pattern: string, deliver: Deliver): Promise<BrokerSubscription>
}

/**
 * Must not throw and must not block; a full mailbox is the subscriber's own to count.
 * @param delivery the same positive number for all subscriptions that one event goes to, and another for the next event: who
 * has several knows by it what came already, and need not keep the event, and with it the whole frame, to compare
 */
export type Deliver = (event: AmcpEvent, delivery: number) => void

export interface BrokerSubscription {
  readonly pattern: string
  /** Takes effect at once locally; the mesh is told within the turn. */
  unsubscribe(): void
}
