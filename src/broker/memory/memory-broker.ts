import { Counters } from '../../core/counters.ts'
import { AmcpError } from '../../core/errors.ts'
import { silentLogger } from '../../core/logger.ts'
import type { Ports } from '../../core/ports.ts'
import type { AmcpEvent } from '../../events/event.ts'
import type { BrokerSubscription, Deliver, EventBroker } from '../event-broker.ts'
import { LocalDelivery } from '../local-delivery.ts'

/** A broker inside one process: `publish()` has called every subscriber when it returns. For tests and single contexts. */
export function memoryBroker({
  counters = new Counters(),
  logger = silentLogger,
}: Partial<Pick<Ports, 'counters' | 'logger'>> = {}): EventBroker {
  return new MemoryBroker({ counters, logger })
}

class MemoryBroker implements EventBroker {
  readonly #local: LocalDelivery
  #isStopped = false

  constructor(ports: Pick<Ports, 'counters' | 'logger'>) {
    this.#local = new LocalDelivery(ports)
  }

  async start(): Promise<void> {
    this.#isStopped = false
  }

  async stop(): Promise<void> {
    this.#isStopped = true
  }

  publish(event: AmcpEvent): undefined {
    if (this.#isStopped) throw new AmcpError('ERR_STOPPED', 'the broker is stopped')
    this.#local.deliver(event)
  }

  async subscribe(pattern: string, deliver: Deliver): Promise<BrokerSubscription> {
    if (this.#isStopped) throw new AmcpError('ERR_STOPPED', 'the broker is stopped')
    return this.#local.subscribe(pattern, deliver)
  }
}
