import type { Crypto } from '../core/crypto.ts'
import { type AgentId, type ContextId, publicKeyOf } from '../core/ids.ts'
import { originOf, originTag } from '../identity/agent-id.ts'

/** Contexts heard of, those that are gone included; above it the first ones heard of are forgotten. */
const LIMIT = 16_384

/** The context that minted an agent's id, found by the part of it that names its origin. */
export class AgentOrigins {
  readonly #crypto: Crypto
  readonly #contexts = new Map<string, ContextId>()

  constructor(crypto: Crypto) {
    this.#crypto = crypto
  }

  add(context: ContextId): void {
    this.#contexts.set(originTag(this.#crypto, publicKeyOf(context)), context)
    if (this.#contexts.size <= LIMIT) return
    const oldest = this.#contexts.keys().next()
    if (!oldest.done) this.#contexts.delete(oldest.value)
  }

  contextOf(agent: AgentId): ContextId | undefined {
    return this.#contexts.get(originOf(agent))
  }
}
