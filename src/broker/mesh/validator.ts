import { CLOCK_AHEAD, CLOCK_BEHIND } from '../../core/clock-tolerance.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import { equalBytes } from '../../events/frame/bytes.ts'
import { type Frame, readFrame } from '../../events/frame/frame-reader.ts'
import type { ReceivedEvent } from '../../events/frame/received-event.ts'
import { hashKey } from '../../identity/credential.ts'
import type { Equivocation } from './chains.ts'
import { receiverHash } from './direct-lane.ts'
import { FrameCredentials } from './frame-credentials.ts'
import { FrameRate, type FrameRateOptions } from './frame-rate.ts'
import type { FrameSecurity } from './frame-security.ts'
import { FrameSlots } from './frame-slots.ts'
import { FORBIDDEN, type KnownCredential, type KnownCredentials, reservedShard } from './known-credentials.ts'
import type { PublisherStreams, ReceivedStreams } from './received-streams.ts'
import { SHARD_GENERATION } from './shards.ts'

/** Longest frame: the largest event, its attributes, and the credentials that travel with it. */
export const MAX_FRAME_BYTES = 1_048_576

/** What a forwarder could itself have proved wrong, so it pays for it. */
export const REJECT_REASONS = ['size', 'structure', 'signature'] as const
export type RejectReason = (typeof REJECT_REASONS)[number]
export type IgnoreReason =
  | 'mesh'
  | 'mode'
  | 'read-class'
  | 'rate'
  | 'incarnations'
  | 'credential-rate'
  | 'publisher-rate'
  | 'quarantined'
  | 'seen'
  | 'old'
  | 'equivocation'
  | 'publisher'
  | 'receiver'
  | 'membership'
  | 'time'
  | 'token'
  | 'source'
  | 'acl'
  | 'shard'
  | 'epoch'
export type Refusal = RejectReason | IgnoreReason

/** How a frame came. */
export type Way = { readonly lane: 'gossip'; readonly shard: number } | { readonly lane: 'direct' }

/** A frame on its way through the checks. */
export interface Judged {
  readonly frame: Frame
  readonly way: Way
  /** Undefined until its publisher is known to be a member: others must not fill the memory. */
  streams: PublisherStreams | undefined
  events: readonly ReceivedEvent[]
  /** Those in reserved namespaces that nobody may be handed. Most frames have none. */
  reserved: readonly ReceivedEvent[]
  /** Whether its publisher's rate was charged for it. */
  isCounted: boolean
  /** Judged again: it was new when it came, so that its chain went on meanwhile does not make it old. */
  isResumed: boolean
}

/** A frame that passed everything. */
export interface Passed extends Judged {
  readonly streams: PublisherStreams
}

/** A frame that is right so far but names credentials that are not known here. */
export interface Lacking {
  readonly judged: Judged
  /** Keys of the credentials' hashes. */
  readonly missing: Set<string>
}

export type Judgement = Passed | Lacking | Refusal

export interface ValidatorComponents {
  readonly ports: Ports
  readonly self: ContextId
  readonly security: FrameSecurity
  readonly credentials: KnownCredentials
  readonly streams: ReceivedStreams
  readonly shardCount: number
  /** The membership that the publisher announced to the mesh. */
  membershipOf(context: ContextId): Uint8Array | undefined
}

export interface ValidatorOptions {
  /** How many frames one neighbour may bring, on either lane; what is above is not even verified. */
  forwarderRate?: FrameRateOptions
  /** How many frames of one member may come by gossip, whoever brings them. Higher lets one member take more of others' time. */
  publisherRate?: FrameRateOptions
}

/**
 * Judges frames, in an order that costs an attacker more than this context: what is cheap comes first, what needs the
 * publisher's key after it, and only what passed everything is remembered as seen.
 * @see PROTOCOL.md, validator
 */
export class Validator {
  readonly #parts: ValidatorComponents
  readonly #forwarders: FrameRate
  readonly #publishers: FrameRate
  readonly #slots: FrameSlots
  readonly #credentials: FrameCredentials
  readonly #receiver: Uint8Array

  constructor(parts: ValidatorComponents, { forwarderRate, publisherRate }: ValidatorOptions = {}) {
    this.#parts = parts
    this.#credentials = new FrameCredentials(parts)
    this.#forwarders = new FrameRate(parts.ports.clock, forwarderRate)
    this.#publishers = new FrameRate(parts.ports.clock, publisherRate)
    this.#slots = new FrameSlots(parts.ports)
    this.#receiver = receiverHash(parts.ports.crypto, parts.self)
  }

  /** Proofs that publishers said two things in one place, the latest ones. */
  get evidence(): readonly Equivocation[] {
    return this.#slots.evidence
  }

  judge(bytes: Uint8Array, forwarder: ContextId, way: Way): Judgement {
    if (bytes.length > MAX_FRAME_BYTES) return 'size'
    let frame: Frame
    try {
      frame = readFrame(bytes)
    } catch (error) {
      return structureFault(error)
    }
    const { header } = frame
    const form = this.#formOf(frame, forwarder, way)
    if (form !== undefined) return form
    if (!this.#forwarders.take(forwarder)) return 'rate'
    const streams = this.#parts.streams.known(frame.publisher, hashKey(header.incarnation))
    const judged: Judged = { frame, way, streams, events: [], reserved: [], isCounted: false, isResumed: false }
    const seen = this.#slots.look(frame, streams)
    if (seen !== undefined) return seen
    const membership = this.#parts.credentials.get(hashKey(header.membershipHash))
    if (membership !== undefined && !this.#admits(membership, frame)) return 'membership'
    const proof = this.#prove(frame)
    if (proof !== undefined) return proof
    return this.#judgeContents(judged)
  }

  /** The rest of the judgement, again, after credentials have come. */
  judgeAgain(judged: Judged): Judgement {
    judged.isResumed = true
    const seen = this.#slots.look(judged.frame, judged.streams)
    return seen === undefined || seen === 'old' ? this.#judgeContents(judged) : seen
  }

  #formOf(frame: Frame, forwarder: ContextId, way: Way): Refusal | undefined {
    const { header } = frame
    if (!equalBytes(header.meshHash, this.#parts.security.meshHash)) return 'mesh'
    if (header.generation !== SHARD_GENERATION || header.eventCount === 0) return 'structure'
    if (header.isAcknowledged || header.chunk !== undefined) return 'mode'
    if (!header.isUnrestricted) return 'read-class'
    if (way.lane === 'gossip') {
      if (header.chain !== 'gossip' || header.shard !== way.shard) return 'structure'
      return frame.publisher === this.#parts.self ? 'publisher' : undefined
    }
    // What the link proves is who is at its other end, so only its own frames may come unsigned.
    if (frame.publisher !== forwarder) return 'publisher'
    if (header.chain === 'none') return undefined
    const { place } = header
    return place?.kind === 'link' && equalBytes(place.receiver, this.#receiver) ? undefined : 'receiver'
  }

  #prove(frame: Frame): Refusal | undefined {
    const { crypto } = this.#parts.ports
    if (!frame.header.isSigned) return undefined
    return frame.verifySignature(crypto) && frame.verifyBody(crypto) ? undefined : 'signature'
  }

  #judgeContents(judged: Judged): Judgement {
    const { frame } = judged
    const now = this.#parts.ports.clock.now()
    let hashes: readonly Uint8Array[]
    try {
      hashes = frame.tokenHashes()
      judged.events = frame.events()
    } catch (error) {
      return structureFault(error)
    }
    // Before anything is kept by shard.
    for (const { shard } of judged.events) if (shard >= this.#parts.shardCount) return 'structure'
    const membership = this.#credentials.membership(frame)
    if (membership !== undefined) {
      if (membership === 'worthless' || !this.#admits(membership, frame)) return 'membership'
      if (!this.#mayPublishNow(judged)) return 'publisher-rate'
    }
    const age = now - frame.header.time
    if (age > CLOCK_BEHIND || age < -CLOCK_AHEAD) return 'time'
    if (membership === undefined) return { judged, missing: this.#credentials.lacking(frame) }
    const streams = this.#parts.streams.of(frame.publisher, hashKey(frame.header.incarnation))
    if (streams === undefined) return 'incarnations'
    judged.streams = streams
    if (!this.#credentials.absorb(frame)) return 'credential-rate'
    const missing = new Set<string>()
    const tokens = this.#credentials.tokens(hashes, missing)
    if (missing.size > 0) return { judged, missing }
    const refusal = this.#judgeTokens(frame, tokens, now) ?? judgeEvents(judged, tokens, membership)
    if (refusal !== undefined) return refusal
    const slot = this.#slots.record(frame, streams)
    return slot === undefined || (slot === 'old' && judged.isResumed) ? { ...judged, streams } : slot
  }

  #admits({ kind, context, expires }: KnownCredential, { publisher }: Frame): boolean {
    return kind === 'membership' && context === publisher && expires > this.#parts.ports.clock.now()
  }

  /** Once a frame. On the direct lane publisher and forwarder are one, who was asked before. */
  #mayPublishNow(judged: Judged): boolean {
    if (judged.isCounted || judged.way.lane === 'direct') return true
    judged.isCounted = true
    return this.#publishers.take(judged.frame.publisher)
  }

  #judgeTokens(frame: Frame, tokens: Map<Uint8Array, KnownCredential>, now: number): Refusal | undefined {
    for (const token of tokens.values()) {
      if (token.kind !== 'token' || token.context !== frame.publisher || token.expires <= now) return 'token'
      // Until agents move, an agent is at home where its id was minted, and in its first epoch.
      if (!token.isOfOrigin) return 'source'
      if (token.epoch !== 0) return 'epoch'
    }
    return undefined
  }
}

const NONE: readonly ReceivedEvent[] = []

/** Every event names a token that is its source's and allows its topic. */
function judgeEvents(
  judged: Judged,
  tokens: Map<Uint8Array, KnownCredential>,
  membership: KnownCredential,
): Refusal | undefined {
  const { events } = judged
  let reserved: ReceivedEvent[] | undefined
  let hash: Uint8Array | undefined
  let token: KnownCredential | undefined
  for (let at = 0; at < events.length; at++) {
    const event = events[at]!
    const named = event.tokenHash
    if (named !== hash) {
      hash = named
      token = named === undefined ? undefined : tokens.get(named)
    }
    if (token === undefined) return 'token'
    if (event.source !== token.source) return 'source'
    let shard = token.shardOf(event.subject, membership)
    if (shard === FORBIDDEN) return 'acl'
    if (shard < 0) {
      // Alone: a later version may know a right to it that we do not, and what comes with it is right.
      shard = reservedShard(shard)
      reserved ??= []
      reserved.push(event)
    }
    if (shard !== event.shard) return 'shard'
  }
  judged.reserved = reserved ?? NONE
  return undefined
}

/** What reading a malformed frame threw; anything else is a bug and goes on. */
export function structureFault(error: unknown): 'structure' {
  if (error instanceof AmcpError) return 'structure'
  throw error
}
