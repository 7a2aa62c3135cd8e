import type { BrokerSubscription } from '../broker/event-broker.ts'
import type { AmcpEvent } from '../events/event.ts'
import type { AgentBroker } from './agent.ts'
import { stateError } from './agent-faults.ts'
import { AgentSubscriptions } from './agent-subscriptions.ts'
import type { HostedAgent } from './hosted-agent.ts'
import type { AgentServices } from './hosted-self.ts'
import { AgentListener } from './listeners.ts'

/**
 * The broker that an agent of a class of its own finds around itself. Nothing unfit may pass: receivers refuse a whole frame
 * for one event that speaks for somebody else, with all that honest agents published in the same turn.
 */
export class CheckedBroker implements AgentBroker {
  readonly #hosted: HostedAgent
  readonly #services: AgentServices
  readonly #subscriptions: AgentSubscriptions

  constructor(hosted: HostedAgent, services: AgentServices) {
    this.#hosted = hosted
    this.#services = services
    this.#subscriptions = new AgentSubscriptions(hosted, services)
    hosted.attached = this.#subscriptions
  }

  publish(event: AmcpEvent): undefined | Promise<void> {
    if (this.#hosted.status === 'DESTROYED') throw stateError(this.#hosted)
    return this.#services.publisher.publishMade(this.#hosted.id, event)
  }

  async subscribe(
    pattern: string,
    handler: (event: AmcpEvent) => undefined | Promise<void>,
  ): Promise<BrokerSubscription> {
    const listener = new AgentListener(pattern, this.#hosted, { handler })
    await this.#subscriptions.add(pattern, listener)
    return { pattern, unsubscribe: () => this.#subscriptions.remove(pattern, listener) }
  }
}
