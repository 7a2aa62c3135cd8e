import type { AgentId } from '../core/ids.ts'
import type { AgentStatus } from './agent.ts'

/** An agent of this context, as `spawn` gives it. */
export interface AgentHandle {
  readonly id: AgentId
  readonly type: string
  readonly name: string | undefined
  readonly status: AgentStatus
  /** What waits in its mailbox. */
  readonly waiting: number
  /** Events, calls and timers it has handled. */
  readonly handled: number
  /** How many of its handlers threw. */
  readonly failures: number
  /** What found no room in its mailbox, waited there beyond its expiry, had data that was not fit, or was there when the agent ended. */
  readonly dropped: number
  /** From INACTIVE or FAILED. ERR_AGENT_STATE; what the hook throws. */
  activate(): Promise<void>
  /** What comes from now on waits in the mailbox. ERR_AGENT_STATE. */
  deactivate(): Promise<void>
}
