import type { LifeCycle } from '../core/life-cycle.ts'
import type { AmcpEvent } from '../events/event.ts'

/** The port behind which topics travel: memory, the mesh, later Kafka, NATS, MQTT and AMQP. */
export interface EventBroker extends LifeCycle {
  /**
   * Takes an event that is valid already. Never waits for a handler, only for its own bounded queue.
   * Returns nothing when taken at once, a promise while the queue is full.
   * ERR_EVENT_TOO_LARGE, ERR_STOPPED.
   */
  publish(event: AmcpEvent): undefined | Promise<void>
  /** Resolves as PROTOCOL.md says: when the members that must know of the pattern have acknowledged it, or after 2 s. */
  subscribe(pattern: string, deliver: Deliver): Promise<BrokerSubscription>
}

/** Must not throw and must not block; a full mailbox is the subscriber's own to count. */
export type Deliver = (event: AmcpEvent) => void

export interface BrokerSubscription {
  readonly pattern: string
  /** Takes effect at once locally; the mesh is told within the turn. */
  unsubscribe(): void
}
