import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import { LruCache } from '../../core/lru-cache.ts'
import type { Ports } from '../../core/ports.ts'
import { shardOf } from '../../events/shard.ts'
import { sourceOf } from '../../events/source.ts'
import { isReserved } from '../../events/topic.ts'
import { type Credential, credentialOf, hashKey } from '../../identity/credential.ts'
import type { CredentialClaims, FrameSecurity } from './frame-security.ts'

/** Verified credentials kept: tokens live five minutes, so this is some 50 new agents a second. */
const MAX_CREDENTIALS = 16_384
/** Verdicts kept per token; an agent that publishes to more topics has them judged again. */
const MAX_VERDICTS = 4_096
export const MAX_CREDENTIAL_BYTES = 16_384

/** Verdicts on topics that are no shards. */
export const FORBIDDEN = -1
/** There and back: a verdict that holds the shard of a reserved topic, always below FORBIDDEN. */
export const reservedShard = (shard: number): number => -2 - shard

/** A verified membership or token of somebody, with its verdicts on topics, so that a hot topic costs one look-up. */
export class KnownCredential {
  readonly bytes: Uint8Array
  readonly context: ContextId
  readonly kind: 'membership' | 'token'
  readonly expires: number
  readonly epoch: number
  /** The only `source` that a token's bearer may write; empty for a membership. */
  readonly source: string
  /** Whether the issuer is the origin that the agent's id names. */
  readonly isOfOrigin: boolean
  readonly #claims: CredentialClaims
  readonly #shardCount: number
  /** As `shardOf` gives them. */
  readonly #verdicts = new Map<string, number>()
  #within: KnownCredential | undefined

  constructor(
    bytes: Uint8Array,
    context: ContextId,
    claims: CredentialClaims,
    isOfOrigin: boolean,
    shardCount: number,
  ) {
    this.bytes = bytes
    this.context = context
    this.kind = claims.kind
    this.expires = claims.expires
    this.epoch = claims.epoch
    this.source = claims.agent === undefined ? '' : sourceOf(context, claims.agent)
    this.isOfOrigin = isOfOrigin
    this.#claims = claims
    this.#shardCount = shardCount
  }

  /**
   * The topic's shard when the topic is within both this token and the membership of the context that issued it; FORBIDDEN
   * when it is not, and for a reserved topic `reservedShard` of its shard, since such an event is dropped without its frame.
   */
  shardOf(topic: string, membership: KnownCredential): number {
    if (membership !== this.#within) {
      this.#verdicts.clear()
      this.#within = membership
    }
    const known = this.#verdicts.get(topic)
    if (known !== undefined) return known
    if (this.#verdicts.size >= MAX_VERDICTS) this.#verdicts.clear()
    const isAllowed = this.#claims.mayPublish(topic) && membership.#claims.mayPublish(topic)
    const shard = shardOf(topic, this.#shardCount)
    const verdict = isAllowed ? shard : isReserved(topic) ? reservedShard(shard) : FORBIDDEN
    this.#verdicts.set(topic, verdict)
    return verdict
  }
}

/** Credentials of others, verified once and found by their hash. */
export class KnownCredentials {
  readonly #ports: Ports
  readonly #security: FrameSecurity
  readonly #shardCount: number
  readonly #known = new LruCache<string, KnownCredential>(MAX_CREDENTIALS)

  constructor(ports: Ports, security: FrameSecurity, shardCount: number) {
    this.#shardCount = shardCount
    this.#ports = ports
    this.#security = security
  }

  get(key: string): KnownCredential | undefined {
    return this.#known.get(key)
  }

  /** Verifies and keeps a credential of `context`; false, and counted, when it is worth nothing. */
  absorb(context: ContextId, bytes: Uint8Array): boolean {
    const { counters, crypto } = this.#ports
    if (bytes.length <= MAX_CREDENTIAL_BYTES) {
      const credential = credentialOf(crypto, bytes)
      const key = hashKey(credential.hash)
      if (this.#known.get(key) !== undefined) return true
      const known = this.#read(context, credential)
      if (known !== undefined) {
        this.#known.set(key, known)
        return true
      }
    }
    counters.add('broker.credential-invalid')
    return false
  }

  #read(context: ContextId, { bytes }: Credential): KnownCredential | undefined {
    try {
      const claims = this.#security.read(context, bytes)
      const isOfOrigin = claims.agent !== undefined && this.#security.isMintedBy(claims.agent, context)
      // A copy, since a view would keep the whole frame alive.
      return new KnownCredential(bytes.slice(), context, claims, isOfOrigin, this.#shardCount)
    } catch (error) {
      if (error instanceof AmcpError) return undefined
      throw error
    }
  }
}
