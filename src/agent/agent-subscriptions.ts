import { AmcpError } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import { stateError } from './agent-faults.ts'
import type { HostedAgent } from './hosted-agent.ts'
import type { Subscriptions } from './queued-subscription.ts'
import type { PatternListener } from './shared-subscriptions.ts'

/** Subscriptions of one agent at a time, those of its definition not among them: as many as timers. */
const MAX_SUBSCRIPTIONS = 1_024

export interface AgentSubscriptionsComponents {
  readonly ports: Ports
  readonly subscriptions: Subscriptions
}

interface Listener extends PatternListener {
  /** The agent is gone. */
  ended?(): void
}

/** What one agent has subscribed while it lives. It ends with the agent, and what failed is gone at once. */
export class AgentSubscriptions implements Subscriptions {
  readonly #hosted: HostedAgent
  readonly #parts: AgentSubscriptionsComponents
  readonly #open = new Map<Listener, string>()

  constructor(hosted: HostedAgent, parts: AgentSubscriptionsComponents) {
    this.#hosted = hosted
    this.#parts = parts
  }

  /**
   * Resolves when the mesh knows of it; rejects with ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED, ERR_STOPPED.
   * Throws ERR_AGENT_STATE when the agent is destroyed, ERR_QUEUE_FULL when it has 1,024.
   */
  add(pattern: string, listener: Listener): Promise<void> {
    const { id, status } = this.#hosted
    if (status === 'DESTROYED') throw stateError(this.#hosted)
    if (this.#open.size >= MAX_SUBSCRIPTIONS) {
      throw new AmcpError('ERR_QUEUE_FULL', `agent ${id} has ${MAX_SUBSCRIPTIONS} subscriptions already`, {
        details: { agent: id },
      })
    }
    this.#open.set(listener, pattern)
    const ready = this.#parts.subscriptions.add(pattern, listener)
    ready.catch((err: unknown) => {
      // Whoever does not wait for it still finds the fault in the log.
      this.#parts.ports.logger.warn({ agent: id, pattern, err }, 'a subscription failed')
      this.remove(pattern, listener)
    })
    return ready
  }

  remove(pattern: string, listener: Listener): void {
    if (this.#open.delete(listener)) this.#parts.subscriptions.remove(pattern, listener)
  }

  /** The agent is destroyed. */
  end(): void {
    for (const [listener, pattern] of this.#open) {
      this.remove(pattern, listener)
      listener.ended?.()
    }
  }
}
