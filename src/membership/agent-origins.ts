import type { AgentId, ContextId } from '../core/ids.ts'
import type { MemberCredentials } from './member-credentials.ts'

/** Contexts heard of, those that are gone included; above it the first ones heard of are forgotten. */
const LIMIT = 16_384

/** The context that minted an agent's id, found by the part of it that names its origin. */
export class AgentOrigins {
  readonly #credentials: MemberCredentials
  readonly #contexts = new Map<string, ContextId>()

  constructor(credentials: MemberCredentials) {
    this.#credentials = credentials
  }

  add(context: ContextId): void {
    this.#contexts.set(this.#credentials.originOfContext(context), context)
    if (this.#contexts.size <= LIMIT) return
    const oldest = this.#contexts.keys().next()
    if (!oldest.done) this.#contexts.delete(oldest.value)
  }

  contextOf(agent: AgentId): ContextId | undefined {
    return this.#contexts.get(this.#credentials.originOfAgent(agent))
  }
}
