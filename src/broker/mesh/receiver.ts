import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import { TokenBucket } from '../../core/token-bucket.ts'
import { isExpired } from '../../events/expiry.ts'
import { type LinkRecord, readLinkMessage } from '../../events/frame/link-envelope.ts'
import type { ReceivedEvent } from '../../events/frame/received-event.ts'
import { hashKey } from '../../identity/credential.ts'
import type { Gossip, Verdict } from '../../network/network.ts'
import { placeOf } from './frame-place.ts'
import type { FrameSecurity } from './frame-security.ts'
import type { KnownCredentials } from './known-credentials.ts'
import { OrderGate } from './order.ts'
import { Parking } from './parking.ts'
import type { PublisherStreams, ReceivedStreams } from './received-streams.ts'
import type { Shards } from './shards.ts'
import { MAX_IN_MESSAGE, type SyncMessage } from './sync-messages.ts'
import {
  type Judgement,
  type Lacking,
  type Passed,
  REJECT_REASONS,
  type Refusal,
  structureFault,
  type Validator,
  type Way,
} from './validator.ts'

export interface ReceiverComponents {
  readonly ports: Ports
  readonly security: FrameSecurity
  readonly credentials: KnownCredentials
  readonly streams: ReceivedStreams
  readonly validator: Validator
  readonly shards: Shards
  readonly gossip: Pick<Gossip, 'neighbours'>
  incarnationOf(context: ContextId): Uint8Array | undefined
  sync(peer: ContextId, message: SyncMessage): void
  deliver(event: ReceivedEvent): void
  /** The peer sent what nobody honest sends. */
  misbehaved(peer: ContextId, reason: string): void
  /** A good gossiped frame has come straight from its publisher. */
  brought(publisher: ContextId, shard: number): void
  /** Whether there is a direct lane between us. */
  isLinked(peer: ContextId): boolean
}

const NO_RECORDS: readonly LinkRecord[] = []
const DIRECT: Way = { lane: 'direct' }
const REJECTED: ReadonlySet<Refusal> = new Set(REJECT_REASONS)
/** What costs a forwarder of gossip: it has judged before it passed on, and sends no faster than frames can be judged. */
const COSTLY: ReadonlySet<Refusal> = new Set<Refusal>([...REJECT_REASONS, 'mesh', 'rate'])

/** From bytes on any lane to events in order: judges, parks what lacks credentials, asks for them, delivers. */
export class Receiver {
  readonly #parts: ReceiverComponents
  readonly #order: OrderGate
  readonly #parking: Parking
  readonly #mayWarn: TokenBucket
  readonly #gossipWays: readonly Way[]
  /** Events of frames that are right, which are not. Empty unless somebody hostile is there. */
  readonly #reserved = new WeakSet<ReceivedEvent>()
  #hasReserved = false
  #isStopped = false

  constructor(parts: ReceiverComponents) {
    this.#parts = parts
    const { clock, counters } = parts.ports
    this.#mayWarn = new TokenBucket(clock, 1, 10)
    this.#order = new OrderGate({ clock, counters, deliver: (event) => this.#deliver(event) })
    this.#parking = new Parking({ clock, counters })
    this.#gossipWays = Array.from({ length: parts.shards.count }, (_, shard) => ({ lane: 'gossip', shard }))
  }

  /** gossip's judge. What is accepted has been delivered when this returns; gossip then passes it on. */
  judgeGossip(topic: string, bytes: Uint8Array, from: ContextId): Verdict {
    if (this.#isStopped) return 'ignore'
    const shard = this.#parts.shards.shardOfTopic(topic)
    if (shard === undefined) {
      this.#parts.ports.counters.add('broker.refused.topic')
      return 'ignore'
    }
    const judgement = this.#parts.validator.judge(bytes, from, this.#gossipWays[shard]!)
    const reason = this.#act(judgement, from, NO_RECORDS, false)
    if (reason === undefined) return 'accept'
    return reason !== 'lacking' && COSTLY.has(reason) ? 'reject' : 'ignore'
  }

  /** A message of a direct lane. */
  takeDirect(peer: ContextId, message: Uint8Array): void {
    if (this.#isStopped) return
    let records: readonly LinkRecord[]
    let frame: Uint8Array | undefined
    try {
      ;({ records, frame } = readLinkMessage(message))
    } catch (error) {
      structureFault(error)
      this.#parts.misbehaved(peer, 'envelope')
      return
    }
    let dropped = 0
    for (const record of records) {
      if (record.kind !== 'credit' && record.shard >= this.#parts.shards.count) {
        this.#parts.misbehaved(peer, 'shard')
        return
      }
      if (record.kind === 'dropped') dropped += record.last - record.first + 1
      else if (record.kind !== 'previous') this.#takeRecord(peer, record)
    }
    if (dropped > 0) this.#lost(peer, dropped)
    if (frame === undefined) return
    const judgement = this.#parts.validator.judge(frame, peer, DIRECT)
    const reason = this.#act(judgement, peer, records, false)
    if (reason !== undefined && reason !== 'lacking' && REJECTED.has(reason)) this.#parts.misbehaved(peer, reason)
  }

  takeSync(peer: ContextId, message: SyncMessage): void {
    if (this.#isStopped) return
    if (message.kind === 'want') this.#answer(peer, message.hashes)
    else if (message.kind === 'credentials') for (const bytes of message.credentials) this.#takeCredential(bytes)
    else {
      const way = this.#gossipWays[message.shard]
      if (way === undefined) this.#parts.ports.counters.add('broker.refused.topic')
      // Who had to push did not get it passed on by gossip, so neither would our neighbours.
      else this.#act(this.#parts.validator.judge(message.frame, peer, way), peer, NO_RECORDS, true)
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#order.clear()
    this.#parking.clear()
  }

  /** Delivers, parks or counts; returns why the frame was not delivered. */
  #act(
    judgement: Judgement,
    from: ContextId,
    records: readonly LinkRecord[],
    passOn: boolean,
  ): Refusal | 'lacking' | undefined {
    if (typeof judgement === 'string') {
      this.#parts.ports.counters.add(`broker.refused.${judgement}`)
      return judgement
    }
    if ('missing' in judgement) {
      this.#park(judgement, from, records)
      return 'lacking'
    }
    const { frame, way, events, reserved, streams } = judgement
    if (way.lane === 'gossip' && frame.publisher === from) this.#parts.brought(from, way.shard)
    const n = frame.header.chain === 'gossip' ? frame.header.place?.n : undefined
    if (reserved.length > 0) {
      this.#hasReserved = true
      for (const event of reserved) this.#reserved.add(event)
    }
    this.#order.offer({ streams, frame, events, n, records, isLinked: this.#parts.isLinked(frame.publisher) })
    if (passOn) this.#push(judgement, from)
    return undefined
  }

  /** In its order, so that what is dropped here leaves no gap there. */
  #deliver(event: ReceivedEvent): void {
    const { clock, counters } = this.#parts.ports
    if (event.fault !== undefined) this.#malformed(event, event.fault)
    else if (this.#hasReserved && this.#reserved.has(event)) counters.add('broker.refused.reserved')
    else if (isExpired(event, clock)) counters.add('broker.expired')
    else this.#parts.deliver(event)
  }

  /** Alone: its publisher's library checks nothing, or knows a type that this one does not. */
  #malformed({ id, type, publisher }: ReceivedEvent, attribute: string): void {
    const { counters, logger } = this.#parts.ports
    counters.add(`broker.malformed.${attribute}`)
    if (this.#mayWarn.take()) logger.warn({ publisher, id, type, attribute }, 'an event was dropped: it is malformed')
  }

  /** Told to the log seldom enough that a peer cannot fill it by telling us. */
  #lost(peer: ContextId, dropped: number): void {
    const { counters, logger } = this.#parts.ports
    counters.add('broker.dropped-for-us', dropped)
    if (this.#mayWarn.take()) logger.warn({ peer, dropped }, 'events for this context were dropped: it was slow')
  }

  #takeRecord(peer: ContextId, record: LinkRecord): void {
    const streams = this.#streamsOf(peer)
    if (streams === undefined) return
    if (record.kind === 'lane' || record.kind === 'nothing-until')
      this.#order.directDone(streams, record.shard, record.sequence)
  }

  #streamsOf(peer: ContextId): PublisherStreams | undefined {
    const incarnation = this.#parts.incarnationOf(peer)
    return incarnation === undefined ? undefined : this.#parts.streams.of(peer, hashKey(incarnation))
  }

  #park({ judged, missing }: Lacking, forwarder: ContextId, records: readonly LinkRecord[]): void {
    const { frame, way, events } = judged
    const place = placeOf(frame, events)
    const signer = frame.publisher
    const resume = (): void => {
      this.#order.release(place)
      const again = this.#parts.validator.judgeAgain(judged)
      const isStillLacking = typeof again !== 'string' && 'missing' in again
      if (isStillLacking) this.#parts.ports.counters.add('broker.refused.credential-withheld')
      else this.#act(again, forwarder, records, way.lane === 'gossip')
      this.#order.settle()
    }
    const expired = (): void => {
      this.#order.release(place)
      this.#order.settle()
      // Who is honest validated the frame before passing it on, so it has what the frame names.
      this.#parts.misbehaved(forwarder, 'credential-withheld')
    }
    const again = (): void => {
      if (way.lane === 'direct') return
      for (const neighbour of this.#parts.gossip.neighbours(this.#parts.shards.topicOf(way.shard)))
        if (neighbour !== forwarder) this.#ask(neighbour, missing)
    }
    if (!this.#parking.park({ bytes: frame.bytes, forwarder, signer, missing, resume, expired, again })) return
    this.#order.reserve(place)
    this.#ask(forwarder, missing)
  }

  #ask(peer: ContextId, missing: ReadonlySet<string>): void {
    const keys = [...missing]
    for (let at = 0; at < keys.length; at += MAX_IN_MESSAGE) {
      const hashes = keys.slice(at, at + MAX_IN_MESSAGE).map((key) => Uint8Array.from(key, (one) => one.charCodeAt(0)))
      this.#parts.sync(peer, { kind: 'want', hashes })
    }
  }

  #takeCredential(bytes: Uint8Array): void {
    const { credentials, ports } = this.#parts
    const { crypto, counters } = ports
    const key = hashKey(crypto.sha256(bytes).subarray(0, 16))
    const signers = this.#parking.signersOf(key)
    if (signers.size === 0) counters.add('broker.credential-unwanted')
    for (const signer of signers) {
      // Others may have named it in frames of theirs, so that it would be judged as theirs.
      if (credentials.isEarly(signer, bytes)) counters.add('broker.credential-early')
      else if (credentials.absorb(signer, bytes)) this.#parking.arrived(key)
      else this.#parking.worthless(key, signer)
    }
  }

  #answer(peer: ContextId, hashes: readonly Uint8Array[]): void {
    const credentials: Uint8Array[] = []
    for (const hash of hashes) {
      const bytes = this.#parts.security.issued(hash) ?? this.#parts.credentials.get(hashKey(hash))?.bytes
      if (bytes === undefined) this.#parts.ports.counters.add('broker.credential-unknown')
      else credentials.push(bytes)
    }
    if (credentials.length > 0) this.#parts.sync(peer, { kind: 'credentials', credentials })
  }

  /** By our own hand, since a second publish of the same frame would be refused by gossip as a duplicate. */
  #push({ frame, way }: Passed, from: ContextId): void {
    if (way.lane === 'direct') return
    for (const neighbour of this.#parts.gossip.neighbours(this.#parts.shards.topicOf(way.shard)))
      if (neighbour !== from && neighbour !== frame.publisher)
        this.#parts.sync(neighbour, { kind: 'push', shard: way.shard, frame: frame.bytes })
  }
}
