import type { AgentId } from '../core/ids.ts'

/**
 * Told whose code runs, so that somebody outside this thread can name an agent that never returns.
 * Called twice for each event and call: a few ns, no allocation.
 */
export interface Watch {
  /** Returns what to give back to `leave`. */
  enter(agent: AgentId): number
  leave(outer: number): void
  /** The agent's handler waits for a promise: it will run again, and nobody is told when. */
  suspend(agent: AgentId): void
  /** The handler that was suspended has ended. */
  settle(agent: AgentId): void
}

/** Nobody watches: in simulations and wherever there are no threads. */
export const noWatch: Watch = { enter: () => 0, leave: () => {}, suspend: () => {}, settle: () => {} }

/** What the second thread says of a thread that stands still. */
export interface BlockReport {
  /** Who is running; null when that is no agent, or one that goes on after an `await`. */
  readonly agent: AgentId | null
  /** Agents with a handler under way, when it cannot be said which of them is running. */
  readonly suspects: readonly AgentId[]
}
