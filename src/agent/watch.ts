import type { AgentId } from '../core/ids.ts'

/**
 * Told whose code runs, so that somebody outside this thread can name an agent that never returns.
 * Called twice for each event and call: a few ns, no allocation.
 */
export interface Watch {
  /** Returns what to give back to `leave`. */
  enter(agent: AgentId): number
  leave(outer: number): void
}

/** Nobody watches: in simulations and wherever there are no threads. */
export const noWatch: Watch = { enter: () => 0, leave: () => {} }
