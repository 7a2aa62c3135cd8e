import { AmcpError } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import { stateError } from './agent-faults.ts'
import type { HostedAgent } from './hosted-agent.ts'
import type { AgentSubscription } from './self.ts'
import type { PatternListener, SharedSubscriptions } from './shared-subscriptions.ts'

/** Subscriptions of one agent at a time, those of its definition not among them: as many as timers. */
const MAX_SUBSCRIPTIONS = 1_024

export interface AgentSubscriptionsComponents {
  readonly ports: Ports
  readonly subscriptions: SharedSubscriptions
}

/** Somebody who listens to one pattern until it is over. */
interface Listener extends PatternListener {
  readonly pattern: string
  /** Nothing comes any more, because the subscription failed for this reason, or without one has ended. */
  ended?(reason?: { readonly fault: unknown }): void
}

/** What one agent has subscribed while it lives. It ends with the agent, and one that failed is gone at once. */
export class AgentSubscriptions {
  readonly #hosted: HostedAgent
  readonly #parts: AgentSubscriptionsComponents
  readonly #open = new Set<Listener>()

  constructor(hosted: HostedAgent, parts: AgentSubscriptionsComponents) {
    this.#hosted = hosted
    this.#parts = parts
  }

  /** ERR_AGENT_STATE when the agent is destroyed, ERR_QUEUE_FULL when it has 1,024. */
  add(listener: Listener): AgentSubscription {
    const { id, status } = this.#hosted
    if (status === 'DESTROYED') throw stateError(this.#hosted)
    if (this.#open.size >= MAX_SUBSCRIPTIONS) {
      throw new AmcpError('ERR_QUEUE_FULL', `agent ${id} has ${MAX_SUBSCRIPTIONS} subscriptions already`, {
        details: { agent: id },
      })
    }
    const { pattern } = listener
    this.#open.add(listener)
    const ready = this.#parts.subscriptions.add(pattern, listener)
    ready.catch((fault: unknown) => {
      // Whoever does not wait for it still finds the fault in the log.
      this.#parts.ports.logger.warn({ agent: id, pattern, err: fault }, 'a subscription failed')
      this.#remove(listener, { fault })
    })
    return { pattern, ready, unsubscribe: () => this.#remove(listener) }
  }

  /** The agent is destroyed. */
  end(): void {
    for (const listener of this.#open) this.#remove(listener)
  }

  #remove(listener: Listener, reason?: { readonly fault: unknown }): void {
    if (!this.#open.delete(listener)) return
    this.#parts.subscriptions.remove(listener.pattern, listener)
    listener.ended?.(reason)
  }
}
