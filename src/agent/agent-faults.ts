import { AmcpError } from '../core/errors.ts'
import type { AgentId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { AgentStatus } from './agent.ts'

/** The agent's life-cycle state does not allow this. */
export function stateError({ id, status }: { id: AgentId; status: AgentStatus }): AmcpError {
  return new AmcpError('ERR_AGENT_STATE', `agent ${id} is ${status}`, { details: { agent: id, status } })
}

/** Too much waits for the agent already; later there may be room. */
export function mailboxFull({ id }: { id: AgentId }): AmcpError {
  return new AmcpError('ERR_MAILBOX_FULL', `the mailbox of ${id} is full`, { retryable: true, details: { agent: id } })
}

/** An agent without capabilities was called. */
export function notCallable({ id }: { id: AgentId }, capability: string): AmcpError {
  return new AmcpError('ERR_CAPABILITY_UNKNOWN', `agent ${id} offers nothing`, { details: { agent: id, capability } })
}

type Told = Pick<Ports, 'counters' | 'logger'>

export function reportThrow(
  { counters, logger }: Told,
  { id, type }: { id: AgentId; type: string },
  err: unknown,
): void {
  counters.add('agents.handler-threw')
  logger.warn({ agent: id, type, err }, 'a handler threw')
}

/** It is left to itself: nothing that runs in this process can be ended from outside. */
export function reportHung(
  { counters, logger }: Told,
  { id, type }: { id: AgentId; type: string },
  what: string,
): void {
  counters.add('agents.hung')
  logger.warn({ agent: id, type, what }, 'the agent was destroyed, and part of it goes on')
}
