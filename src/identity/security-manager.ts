import type { SigningKey } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import { isReserved } from '../events/topic.ts'
import { issueAgentToken, TOKEN_SECONDS } from './agent-token.ts'
import { type Credential, credentialOf } from './credential.ts'
import type { Membership } from './membership-credential.ts'
import { publishRights } from './publish-rights.ts'

/**
 * Tokens, some 1 KiB each, until those not used since as many others came go. Far more than the agents that a process
 * can run, so that theirs stay: others can have us answer as any agent of ours, also as one that never was.
 */
const GENERATION = 65_536
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
  readonly #generation: number
  /** Used since the last change of generations; a plain map, since it is asked for every event. */
  #tokens = new Map<AgentId, Held>()
  #older = new Map<AgentId, Held>()
  readonly #rights: (topic: string) => boolean
  readonly #allowed = new Set<string>()

  /** @param generation tokens of a generation; two are kept */
  constructor(components: SecurityManagerComponents, generation: number = GENERATION) {
    this.#parts = components
    this.#generation = generation
    this.#rights = publishRights(components.membership.publish)
  }

  /** The agent's current token; the same object until it is renewed. */
  tokenOf(agent: AgentId): Credential {
    const { ports, context, key, membership } = this.#parts
    const now = ports.clock.now()
    const held = this.#tokens.get(agent)
    if (held !== undefined && now < held.renewAt) return held
    const older = this.#older.get(agent)
    if (older !== undefined && now < older.renewAt) {
      this.#keep(agent, older)
      return older
    }
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
    this.#keep(agent, token)
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

  #keep(agent: AgentId, token: Held): void {
    if (this.#tokens.size >= this.#generation && !this.#tokens.has(agent)) {
      this.#older = this.#tokens
      this.#tokens = new Map()
    }
    this.#tokens.set(agent, token)
  }

  /** Forgets a destroyed agent. */
  forget(agent: AgentId): void {
    this.#tokens.delete(agent)
    this.#older.delete(agent)
  }
}

function forbidden(topic: string): AmcpError {
  const details = { topic }
  if (isReserved(topic))
    return new AmcpError('ERR_TOPIC_RESERVED', `only the mesh itself publishes to ${topic}`, { details })
  return new AmcpError('ERR_TOPIC_FORBIDDEN', `the membership of this context does not cover ${topic}`, { details })
}
