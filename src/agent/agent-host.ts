import type { Ports } from '../core/ports.ts'
import type { DataChecks } from './data-checks.ts'
import type { RunQueue } from './run-queue.ts'
import type { Watch } from './watch.ts'

/** What all agents of a context share. */
export interface AgentHost {
  readonly ports: Ports
  readonly queue: RunQueue
  readonly watch: Watch
  readonly data: DataChecks
  /** Depth of calls answered inside calls right now. */
  nested: number
}

export interface HostedAgentOptions {
  readonly name: string | undefined
  readonly mailboxLimit: number
  readonly failsOnThrow: boolean
}
