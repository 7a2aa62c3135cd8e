import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import { LruCache } from '../../core/lru-cache.ts'
import type { Ports } from '../../core/ports.ts'
import { TokenBucket } from '../../core/token-bucket.ts'
import { shardOf } from '../../events/shard.ts'
import { sourceOf } from '../../events/source.ts'
import { isReserved, isTopic } from '../../events/topic.ts'
import { type Credential, credentialOf, hashKey } from '../../identity/credential.ts'
import type { CredentialClaims, FrameSecurity } from './frame-security.ts'

/** Verified credentials kept: tokens live five minutes, so this is some 50 new agents a second. */
const MAX_CREDENTIALS = 16_384
/** Verdicts kept per token; an agent that publishes to more topics has them judged again. */
const MAX_VERDICTS = 4_096
/** Verdicts kept in all, some 150 bytes each: one member may have many tokens, and try many topics with each. */
const MAX_ALL_VERDICTS = 262_144
/** Credentials of one context that are verified a second, and at once; each costs a signature. */
const PER_SECOND = 500
const BURST = 16_384
export const MAX_CREDENTIAL_BYTES = 16_384

/** Verdicts on topics that are no shards. */
export const FORBIDDEN = -1
/** There and back: a verdict that holds the shard of a reserved topic, always below FORBIDDEN. */
export const reservedShard = (shard: number): number => -2 - shard

/** How many verdicts there are in all credentials together. */
class VerdictRoom {
  readonly #most: number
  readonly #forgetAll: () => void
  #taken = 0

  constructor(most: number, forgetAll: () => void) {
    this.#most = most
    this.#forgetAll = forgetAll
  }

  get taken(): number {
    return this.#taken
  }

  /** When there is no more room everything is forgotten: each topic in use is looked at once more. */
  take(): void {
    if (this.#taken >= this.#most) this.#forgetAll()
    this.#taken += 1
  }

  give(count: number): void {
    this.#taken -= count
  }
}

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
  readonly #room: VerdictRoom
  /** As `shardOf` gives them. */
  readonly #verdicts = new Map<string, number>()
  #within: KnownCredential | undefined
  #isDropped = false

  constructor(
    bytes: Uint8Array,
    context: ContextId,
    claims: CredentialClaims,
    isOfOrigin: boolean,
    shardCount: number,
    room: VerdictRoom,
  ) {
    this.#room = room
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
      this.forgetVerdicts()
      this.#within = membership
    }
    const known = this.#verdicts.get(topic)
    if (known !== undefined) return known
    if (this.#verdicts.size >= MAX_VERDICTS) this.forgetVerdicts()
    const verdict = this.#judge(topic, membership)
    if (this.#isDropped) return verdict
    this.#room.take()
    this.#verdicts.set(topic, verdict)
    return verdict
  }

  #judge(topic: string, membership: KnownCredential): number {
    if (!isTopic(topic)) return FORBIDDEN
    const isAllowed = this.#claims.mayPublish(topic) && membership.#claims.mayPublish(topic)
    const shard = shardOf(topic, this.#shardCount)
    return isAllowed ? shard : isReserved(topic) ? reservedShard(shard) : FORBIDDEN
  }

  forgetVerdicts(): void {
    this.#room.give(this.#verdicts.size)
    this.#verdicts.clear()
  }

  /** Kept no longer: who still has it, since a frame waits, is answered, and nobody would give such verdicts back. */
  drop(): void {
    this.forgetVerdicts()
    this.#isDropped = true
  }
}

export interface KnownCredentialsLimits {
  /** @default 16_384 */
  readonly credentials?: number
  /** In all credentials together. @default 262_144 */
  readonly verdicts?: number
}

/** What is kept of one context. */
interface Home {
  readonly credentials: LruCache<string, KnownCredential>
  readonly rate: TokenBucket
}

/**
 * Credentials of others, verified once and found by their hash. Tokens are taken of members only, and when there is no
 * more room, whoever has most here loses what it used longest ago: nobody can push the credentials of others out.
 */
export class KnownCredentials {
  readonly #ports: Ports
  readonly #security: FrameSecurity
  readonly #shardCount: number
  readonly #limit: number
  readonly #known = new Map<string, { readonly credential: KnownCredential; readonly home: Home }>()
  /** Of every context of which a valid membership was seen. */
  readonly #homes = new Map<ContextId, Home>()
  readonly #room: VerdictRoom

  constructor(
    ports: Ports,
    security: FrameSecurity,
    shardCount: number,
    { credentials = MAX_CREDENTIALS, verdicts = MAX_ALL_VERDICTS }: KnownCredentialsLimits = {},
  ) {
    this.#room = new VerdictRoom(verdicts, () => {
      for (const { credential } of this.#known.values()) credential.forgetVerdicts()
    })
    this.#shardCount = shardCount
    this.#ports = ports
    this.#security = security
    this.#limit = credentials
  }

  /** How many are kept, and how many verdicts on topics. */
  get size(): { readonly credentials: number; readonly verdicts: number } {
    return { credentials: this.#known.size, verdicts: this.#room.taken }
  }

  get(key: string): KnownCredential | undefined {
    const known = this.#known.get(key)
    return known?.home.credentials.get(key)
  }

  /** Whether so many more credentials of a member may be verified now. */
  mayVerify(context: ContextId, count: number): boolean {
    return count === 0 || (this.#homes.get(context)?.rate.take(count) ?? true)
  }

  /** Whether it is a token of somebody of whom no membership was seen: anybody can sign those, so they are not looked at. */
  isEarly(context: ContextId, bytes: Uint8Array): boolean {
    return !this.#homes.has(context) && this.#security.isToken(bytes)
  }

  /** Verifies and keeps a credential of `context`; false, and counted, when it is worth nothing. */
  absorb(context: ContextId, bytes: Uint8Array): boolean {
    const { counters, crypto } = this.#ports
    if (bytes.length <= MAX_CREDENTIAL_BYTES && !this.isEarly(context, bytes)) {
      const credential = credentialOf(crypto, bytes)
      const key = hashKey(credential.hash)
      if (this.get(key) !== undefined) return true
      const known = this.#read(context, credential)
      if (known !== undefined) {
        this.#keep(key, known)
        return true
      }
    }
    counters.add('broker.credential-invalid')
    return false
  }

  #keep(key: string, credential: KnownCredential): void {
    let home = this.#homes.get(credential.context)
    if (home === undefined) {
      const rate = new TokenBucket(this.#ports.clock, PER_SECOND, BURST)
      home = { credentials: new LruCache(this.#limit), rate }
      this.#homes.set(credential.context, home)
    }
    if (this.#known.size >= this.#limit) this.#makeRoom()
    home.credentials.set(key, credential)
    this.#known.set(key, { credential, home })
  }

  #makeRoom(): void {
    let largest: [ContextId, Home] | undefined
    for (const one of this.#homes) if (one[1].credentials.size > (largest?.[1].credentials.size ?? 0)) largest = one
    if (largest === undefined) return
    const [context, home] = largest
    const key = home.credentials.shift()
    if (key !== undefined) {
      this.#known.get(key)?.credential.drop()
      this.#known.delete(key)
    }
    if (home.credentials.size === 0) this.#homes.delete(context)
  }

  #read(context: ContextId, { bytes }: Credential): KnownCredential | undefined {
    try {
      const claims = this.#security.read(context, bytes)
      const isOfOrigin = claims.agent !== undefined && this.#security.isMintedBy(claims.agent, context)
      // A copy, since a view would keep the whole frame alive.
      return new KnownCredential(bytes.slice(), context, claims, isOfOrigin, this.#shardCount, this.#room)
    } catch (error) {
      if (error instanceof AmcpError) return undefined
      throw error
    }
  }
}
