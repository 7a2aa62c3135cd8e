import type { AgentId, ContextId } from '../core/ids.ts'
import type { MemberCredentials } from './member-credentials.ts'

/** Contexts heard of, those that are gone included; above it the first ones heard of are forgotten. */
const LIMIT = 16_384

/** The context that minted an agent's id, found by the part of it that names its origin. */
export class AgentOrigins {
  readonly #credentials: MemberCredentials
  readonly #contexts = new Map<string, ContextId>()
  /** By the agent's id: reading the origin out of it costs more than all else here, and is asked for each event. */
  readonly #byAgent = new Map<AgentId, ContextId>()

  constructor(credentials: MemberCredentials) {
    this.#credentials = credentials
  }

  add(context: ContextId): void {
    const origin = this.#credentials.originOfContext(context)
    if (this.#contexts.get(origin) === context) return
    this.#contexts.set(origin, context)
    this.#byAgent.clear()
    if (this.#contexts.size <= LIMIT) return
    const oldest = this.#contexts.keys().next()
    if (!oldest.done) this.#contexts.delete(oldest.value)
  }

  contextOf(agent: AgentId): ContextId | undefined {
    const known = this.#byAgent.get(agent)
    if (known !== undefined) return known
    const context = this.#contexts.get(this.#credentials.originOfAgent(agent))
    if (context === undefined) return undefined
    if (this.#byAgent.size >= LIMIT) this.#byAgent.clear()
    this.#byAgent.set(agent, context)
    return context
  }
}
