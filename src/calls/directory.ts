import type { AgentId, ContextId } from '../core/ids.ts'
import type { LocatedOffer } from '../membership/members.ts'
import type { IncomingCall } from './incoming-call.ts'

/** What calls must know of the mesh. `Members` is one; tests have smaller ones. */
export interface Directory {
  readonly self: ContextId
  /** Whether all neighbours know the same members as we do: only then a "no" is an answer. */
  readonly isConverged: boolean
  readonly present: readonly ContextId[]
  /** The context that an agent's id names as its origin, when it is a member that we know. */
  contextOfAgent(agent: AgentId): ContextId | undefined
  offersOf(capability: string): { readonly offers: readonly LocatedOffer[]; readonly complete: boolean }
  /** Members, offers or convergence have changed. Returns how to stop listening. */
  onChange(listener: () => void): () => void
}

/** The ways to other contexts, as calls see them. A mesh broker has them. */
export interface Lanes {
  /** Whether what is published for the context now is sent at once, over a stream that is there. */
  isOpen(context: ContextId): boolean
  /** Opens the way. Rejects, soon, when nobody answers there: then a call can go to somebody else. */
  reach(context: ContextId): Promise<void>
}

/** The agents of this context, as calls see them. */
export interface LocalAgents {
  get(agent: AgentId): CallTarget | undefined
  /** The next agent here that offers the capability, in turn. */
  offering(capability: string): CallTarget | undefined
}

export interface CallTarget {
  readonly id: AgentId
  /** Runs the call at once when idle, else queues it. Never throws: the outcome goes to `complete` or `fail`. */
  accept(call: IncomingCall): void
}
