import type { SigningKey } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import { LruCache } from '../core/lru-cache.ts'
import type { Ports } from '../core/ports.ts'
import { isReserved } from '../events/topic.ts'
import { issueAgentToken, TOKEN_SECONDS } from './agent-token.ts'
import { type Credential, credentialOf } from './credential.ts'
import type { Membership } from './membership-credential.ts'
import { publishRights } from './publish-rights.ts'

/**
 * Tokens kept, some 1 KiB each. Far more than the agents a process can run, so that theirs stay: others can have us answer
 * as any agent of ours, also as one that never was, and each such answer needs a token.
 */
const MAX_TOKENS = 131_072
/** Topics whose right is remembered. */
const MAX_ALLOWED = 16_384

interface Held extends Credential {
  /** Wall ms after which a new one is issued. */
  readonly renewAt: number
}

export interface SecurityManagerComponents {
  readonly ports: Ports
  readonly context: ContextId
  readonly key: SigningKey
  readonly membership: Pick<Membership, 'mesh' | 'roles' | 'publish'>
}

/**
 * Issues the tokens of a context's agents: at first use, not at spawn, and again when half of one's time is gone.
 * @see AMCP 1.5 specification 5
 */
export class SecurityManager {
  readonly #parts: SecurityManagerComponents
  readonly #tokens: LruCache<AgentId, Held>
  readonly #rights: (topic: string) => boolean
  readonly #allowed = new Set<string>()

  /** @param limit tokens kept; whose was used longest ago is issued anew */
  constructor(components: SecurityManagerComponents, limit: number = MAX_TOKENS) {
    this.#parts = components
    this.#tokens = new LruCache(limit)
    this.#rights = publishRights(components.membership.publish)
  }

  /** The agent's current token; the same object until it is renewed. */
  tokenOf(agent: AgentId): Credential {
    const { ports, context, key, membership } = this.#parts
    const now = ports.clock.now()
    const held = this.#tokens.get(agent)
    if (held !== undefined && now < held.renewAt) return held
    const { mesh, roles, publish } = membership
    const expiresAt = Math.floor(now / 1_000) + TOKEN_SECONDS
    const bytes = issueAgentToken(key, context, {
      agent,
      mesh,
      roles,
      publish,
      epoch: 0,
      custody: undefined,
      expiresAt,
    })
    const token: Held = { ...credentialOf(ports.crypto, bytes), renewAt: now + (TOKEN_SECONDS * 1_000) / 2 }
    this.#tokens.set(agent, token)
    ports.counters.add('security.tokens-issued')
    return token
  }

  /**
   * Refuses a topic that the context's own membership does not cover: every receiver would refuse the whole frame.
   * ERR_TOPIC_FORBIDDEN; ERR_TOPIC_RESERVED for a reserved namespace that it does not name.
   */
  checkPublish(topic: string): void {
    if (this.#allowed.has(topic)) return
    if (!this.#rights(topic)) throw forbidden(topic)
    if (this.#allowed.size >= MAX_ALLOWED) this.#allowed.clear()
    this.#allowed.add(topic)
  }

  /** Forgets a destroyed agent. */
  forget(agent: AgentId): void {
    this.#tokens.delete(agent)
  }
}

function forbidden(topic: string): AmcpError {
  const details = { topic }
  if (isReserved(topic))
    return new AmcpError('ERR_TOPIC_RESERVED', `only the mesh itself publishes to ${topic}`, { details })
  return new AmcpError('ERR_TOPIC_FORBIDDEN', `the membership of this context does not cover ${topic}`, { details })
}
