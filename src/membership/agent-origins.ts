import type { AgentId, ContextId } from '../core/ids.ts'
import type { MemberCredentials } from './member-credentials.ts'

/** Contexts that are remembered after they have gone; of more the one that went first is forgotten. */
const GONE_LIMIT = 16_384
/** Agents whose context is remembered; twice as many at most. */
const GENERATION = 65_536

/** The context that minted an agent's id, found by the part of it that names its origin. */
export class AgentOrigins {
  readonly #credentials: MemberCredentials
  readonly #originOf = new Map<ContextId, string>()
  /** By origin. As many as there are members, so none has to make room for another. */
  readonly #present = new Map<string, ContextId>()
  readonly #gone = new Map<string, ContextId>()
  /**
   * By the agent's id: reading the origin out of it costs more than all else here, and is asked for each event. What was
   * not asked for while a generation filled goes with the older one, so that more agents than fit cost no more than without.
   */
  #young = new Map<AgentId, ContextId>()
  #old = new Map<AgentId, ContextId>()

  constructor(credentials: MemberCredentials) {
    this.#credentials = credentials
  }

  /** A member; costs nothing when it is known as one. */
  add(context: ContextId): void {
    if (this.#originOf.has(context)) return
    const origin = this.#credentials.originOfContext(context)
    const before = this.#present.get(origin) ?? this.#gone.get(origin) ?? context
    this.#originOf.set(context, origin)
    this.#present.set(origin, context)
    this.#gone.delete(origin)
    if (before !== context) this.#forgetAgents()
  }

  /** No member any more. Its agents are still known to be its own: they may be asked for, and nobody else answers for them. */
  leave(context: ContextId): void {
    const origin = this.#originOf.get(context)
    if (origin === undefined) return
    this.#originOf.delete(context)
    if (this.#present.get(origin) !== context) return
    this.#present.delete(origin)
    this.#gone.set(origin, context)
    if (this.#gone.size <= GONE_LIMIT) return
    this.#gone.delete(this.#gone.keys().next().value!)
    this.#forgetAgents()
  }

  contextOf(agent: AgentId): ContextId | undefined {
    const known = this.#young.get(agent)
    if (known !== undefined) return known
    const context = this.#old.get(agent) ?? this.#find(agent)
    if (context === undefined) return undefined
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(agent, context)
    return context
  }

  /** Whether the agent is a member's own; for many agents that nobody has asked for, so none of them is remembered. */
  isOf(agent: AgentId, member: ContextId): boolean {
    return this.#present.get(this.#credentials.originOfAgent(agent)) === member
  }

  #find(agent: AgentId): ContextId | undefined {
    const origin = this.#credentials.originOfAgent(agent)
    return this.#present.get(origin) ?? this.#gone.get(origin)
  }

  #forgetAgents(): void {
    this.#young = new Map()
    this.#old = new Map()
  }
}
