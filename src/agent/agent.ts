import type { BrokerSubscription, EventBroker } from '../broker/event-broker.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId } from '../core/ids.ts'
import type { AmcpEvent } from '../events/event.ts'
import type { SecurityManager } from '../identity/security-manager.ts'

/** @see AMCP 1.5 specification 2.1 */
export type AgentStatus = 'CREATED' | 'INACTIVE' | 'ACTIVE' | 'FAILED' | 'DESTROYED'

/** From where to where an agent's life may go. An INACTIVE agent keeps its address and its mailbox, and handles nothing. */
export const transitions: Readonly<Record<AgentStatus, readonly AgentStatus[]>> = {
  CREATED: ['ACTIVE', 'FAILED', 'DESTROYED'],
  ACTIVE: ['INACTIVE', 'FAILED', 'DESTROYED'],
  INACTIVE: ['ACTIVE', 'FAILED', 'DESTROYED'],
  FAILED: ['ACTIVE', 'DESTROYED'],
  DESTROYED: [],
}

/** Throws ERR_AGENT_STATE for a step that is not in the table. */
export function checkTransition(agent: AgentId, from: AgentStatus, to: AgentStatus): void {
  if (transitions[from].includes(to)) return
  throw new AmcpError('ERR_AGENT_STATE', `agent ${agent} cannot go from ${from} to ${to}`, {
    details: { agent, from, to },
  })
}

/**
 * An agent in the spelling of the specification; `defineAgent` builds one, a class of your own may be one too.
 * Hooks and `handleEvent` run one at a time.
 */
export interface Agent {
  readonly id: AgentId
  readonly type: string
  /** Called once, before anything else. */
  setContext(context: AgentContext): void
  handleEvent(event: AmcpEvent): undefined | Promise<void>
  serializeState(): Uint8Array
  /** Throws ERR_SCHEMA_MISMATCH for bytes that are no state of this agent. */
  deserializeState(state: Uint8Array): void
  /** Before the first event, and after each time it was INACTIVE or FAILED. A throw makes the agent FAILED. */
  onActivate?(): void | Promise<void>
  /** After the event in progress, before the agent is INACTIVE. */
  onDeactivate?(): void | Promise<void>
  /** After the last event; the agent's address is gone already. */
  onDestroy?(): void | Promise<void>
  /** After a throw that made the agent FAILED. */
  onFailure?(reason: unknown): void | Promise<void>
}

/** What an agent finds around itself. */
export interface AgentContext {
  readonly registry: AgentDirectory
  /** What is published here must be valid and name the agent as its source; what is subscribed comes through its mailbox. */
  readonly broker: AgentBroker
  /** Issues the tokens of this context's agents. */
  readonly security: Pick<SecurityManager, 'tokenOf'>
  /** Addresses at which this context can be dialled. */
  readonly endpoint: readonly string[]
}

/** The context's broker as an agent sees it: it checks what it is given, and its life is the context's own. */
export interface AgentBroker {
  /**
   * Returns nothing when the event was taken at once, a promise while the queue is full.
   * What `EventBroker.publish` throws, and ERR_TOPIC_INVALID, ERR_SCHEMA_MISMATCH, ERR_EVENT_EXPIRED, ERR_AGENT_STATE.
   * @see EventBroker
   */
  publish: EventBroker['publish']
  /**
   * Events go to the handler one at a time, by way of the mailbox like all others. Ends with the agent.
   * ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED for topics of single agents, ERR_QUEUE_FULL, ERR_AGENT_STATE, ERR_STOPPED.
   */
  subscribe(pattern: string, handler: (event: AmcpEvent) => undefined | Promise<void>): Promise<BrokerSubscription>
}

/** The agents of this context. */
export interface AgentDirectory {
  readonly list: readonly AgentInfo[]
  get(agent: AgentId): AgentInfo | undefined
}

export interface AgentInfo {
  readonly id: AgentId
  readonly type: string
  readonly name: string | undefined
  readonly status: AgentStatus
}
