import type { Timer } from '../core/clock.ts'
import type { Crypto } from '../core/crypto.ts'
import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import { TokenBucket } from '../core/token-bucket.ts'
import type { MessageStream } from '../network/network.ts'
import { provesLife, type SignOfLife } from './sign-of-life.ts'
import type { StateEntry } from './state-entry.ts'
import { FLAG_ACKNOWLEDGE } from './state-entry.ts'
import type { StateMap } from './state-map.ts'
import type { Ack, EntryRecord, StateMessage } from './state-messages.ts'
import { ENTRIES_TARGET, encodeMessage, sizeOf } from './state-messages.ts'

/** Messages and entries a second from one neighbour, and at once: a large mesh is told whole at the start. */
const PER_SECOND = 2_000
const BURST = 20_000
/** In messages: a challenge has us sign, and comes once a restart of somebody. */
const CHALLENGE_COST = 100
/** Contexts that may be asked for in one message. */
const WANTED_LIMIT = 16_384

interface Known {
  version: number
  body: string
  membership: string
}

/**
 * What one neighbour is known to hold, and what it must still be told. Everything waits here until the turn ends and
 * while the stream is full, so a slow neighbour costs one note a context and not a queue of messages.
 */
export class StateLink {
  readonly stream: MessageStream
  /** As the hello said, in hex. */
  readonly incarnation: string
  /** Of messages and entries from the neighbour: each may cost a signature. */
  readonly #rate: TokenBucket
  readonly #counters: Ports['counters']
  readonly #drained: (link: StateLink) => void
  /** The neighbour's latest digest of its set of members. */
  members: string | undefined
  /** Listed by the neighbour in a newer version than held here. */
  readonly missing: Map<ContextId, number> = new Map()
  #summarised = false
  readonly #known = new Map<ContextId, Known>()
  readonly #dirty = new Set<ContextId>()
  readonly #acks = new Map<string, Ack>()
  readonly #wanted = new Set<ContextId>()
  readonly #challenges = new Map<string, { settle: (alive: SignOfLife | undefined) => void; timer: Timer }>()
  #digestSent = ''
  #isBlocked = false

  /** @param drained told when a full stream has room again: what waited can go */
  constructor(
    stream: MessageStream,
    incarnation: string,
    ports: Pick<Ports, 'clock' | 'counters'>,
    drained: (link: StateLink) => void,
  ) {
    this.stream = stream
    this.incarnation = incarnation
    this.#rate = new TokenBucket(ports.clock, PER_SECOND, BURST)
    this.#counters = ports.counters
    this.#drained = drained
  }

  /** The neighbour's summary came, and everything it listed is here. */
  get isSynced(): boolean {
    return this.#summarised && this.missing.size === 0
  }

  /** False when the neighbour says too much: what is not heard of it the periodic digest brings back. */
  mayCost(message: StateMessage): boolean {
    if (message.t === 'entries') return this.#rate.take(1 + message.records.length)
    return this.#rate.take(message.t === 'challenge' ? CHALLENGE_COST : 1)
  }

  /** Notes an entry that the neighbour showed to us. */
  learn(context: ContextId, version: number, body?: string, membership?: string): void {
    const known = this.#known.get(context)
    if (known === undefined) this.#known.set(context, { version, body: body ?? '', membership: membership ?? '' })
    else if (version >= known.version) {
      known.version = version
      if (body !== undefined) known.body = body
      if (membership !== undefined) known.membership = membership
    }
  }

  /**
   * The neighbour listed its whole map: what it lacks is sent, what we lack is awaited. Of the first summary of a link
   * the neighbour sends it unasked, since ours is on the way; of a later one it must be asked.
   */
  summary(versions: readonly (readonly [ContextId, number])[], map: StateMap): void {
    const isFirst = !this.#summarised
    this.#summarised = true
    this.missing.clear()
    const listed = new Set<ContextId>()
    for (const [context, version] of versions) {
      listed.add(context)
      // What it lists counts, also below what we sent: that may have been lost.
      if (version < (this.#known.get(context)?.version ?? -1)) this.#known.delete(context)
      this.learn(context, version)
      if (version <= map.versionOf(context)) continue
      this.missing.set(context, version)
      if (!isFirst) this.#wanted.add(context)
    }
    // Also of contexts that are not in our map, so that what a neighbour may list stays bounded by one summary.
    for (const context of this.#known.keys()) if (!listed.has(context)) this.#known.delete(context)
    for (const context of map.contexts) this.#dirty.add(context)
  }

  /** An entry arrived, or was refused: either way it is awaited no longer. */
  arrived(context: ContextId, version: number): void {
    if (version >= (this.missing.get(context) ?? Number.POSITIVE_INFINITY)) this.missing.delete(context)
  }

  forget(context: ContextId): void {
    this.#known.delete(context)
    this.missing.delete(context)
    this.#dirty.delete(context)
  }

  tell(context: ContextId): void {
    this.#dirty.add(context)
  }

  tellInFull(context: ContextId): void {
    this.#known.delete(context)
    this.#dirty.add(context)
  }

  acknowledge(ack: Ack): void {
    const key = `${ack[0]} ${ack[2]}`
    if ((this.#acks.get(key)?.[1] ?? -1) < ack[1]) this.#acks.set(key, ack)
  }

  want(context: ContextId): void {
    if (this.#wanted.size < WANTED_LIMIT) this.#wanted.add(context)
  }

  /** The neighbour's answer, if it comes within `ms` and is signed by the life that is linked here. */
  challenge(ports: Ports, nonce: string, ms: number): Promise<SignOfLife | undefined> {
    // The nonce is the other end's choice: asked twice, only the later question waits for the answer.
    this.#challenges.get(nonce)?.settle(undefined)
    return new Promise((resolve) => {
      const settle = (alive: SignOfLife | undefined): void => {
        this.#challenges.get(nonce)?.timer.cancel()
        this.#challenges.delete(nonce)
        resolve(alive)
      }
      this.#challenges.set(nonce, { settle, timer: ports.clock.after(ms, () => settle(undefined)) })
      this.send({ t: 'challenge', nonce })
    })
  }

  answered(crypto: Crypto, nonce: string, alive: SignOfLife): void {
    const challenge = this.#challenges.get(nonce)
    if (challenge === undefined || alive.incarnation !== this.incarnation) return
    if (provesLife(crypto, this.stream.peer, nonce, alive)) challenge.settle(alive)
  }

  closed(): void {
    for (const { settle } of [...this.#challenges.values()]) settle(undefined)
  }

  send(message: StateMessage): void {
    if (!this.stream.isOpen || this.#write(message) || this.#isBlocked) return
    this.#isBlocked = true
    void this.stream.drained().then(
      () => {
        this.#isBlocked = false
        this.#drained(this)
      },
      // The stream broke while full: its close listener does what is needed.
      () => undefined,
    )
  }

  /** False when the stream is full now. One that breaks while it is written to ends: its close listener opens the next. */
  #write(message: StateMessage): boolean {
    try {
      return this.stream.send(encodeMessage(message))
    } catch (error) {
      this.#counters.add('membership.state.unsent')
      this.stream.abort(error as Error)
      return true
    }
  }

  /** Sends what has gathered: entries the neighbour lacks, acknowledgements, wants, and the digest if it changed. */
  flush(map: StateMap, now: number): void {
    if (this.#isBlocked || !this.stream.isOpen) return
    this.#flushEntries(map, now)
    if (this.#wanted.size > 0) this.send({ t: 'want', contexts: [...this.#wanted] })
    this.#wanted.clear()
    if (this.#acks.size > 0) this.send({ t: 'acks', acks: [...this.#acks.values()] })
    this.#acks.clear()
    if (this.#digestSent !== map.memberDigest) this.sendDigest(map, '')
  }

  /** @param whole digest of all versions, which asks for a summary where it differs; empty = only the set of members */
  sendDigest(map: StateMap, whole: string): void {
    this.#digestSent = map.memberDigest
    this.send({ t: 'digest', members: map.memberDigest, map: whole })
  }

  sendSummary(map: StateMap): void {
    this.#digestSent = map.memberDigest
    this.send({ t: 'summary', members: map.memberDigest, versions: map.versions() })
  }

  #flushEntries(map: StateMap, now: number): void {
    let records: EntryRecord[] = []
    let size = 0
    for (const context of this.#dirty) {
      this.#dirty.delete(context)
      const entry = map.get(context)
      if (entry === undefined || entry.head.version <= (this.#known.get(context)?.version ?? -1)) continue
      const record = this.#record(entry, now - map.issuedAt(context))
      records.push(record)
      size += sizeOf(record)
      if (size < ENTRIES_TARGET) continue
      this.send({ t: 'entries', records })
      records = []
      size = 0
      if (this.#isBlocked) return
    }
    if (records.length > 0) this.send({ t: 'entries', records })
  }

  #record({ head, headBytes, signature, bodyBytes, membership }: StateEntry, age: number): EntryRecord {
    const known = this.#known.get(head.context)
    const record = {
      age,
      head: headBytes,
      signature,
      body: known?.body === head.body ? undefined : bodyBytes,
      membership: known?.membership === head.membership ? undefined : membership,
    }
    this.learn(head.context, head.version, head.body, head.membership)
    return record
  }
}

export const wantsAcknowledgement = ({ head }: StateEntry): boolean => (head.flags & FLAG_ACKNOWLEDGE) !== 0
