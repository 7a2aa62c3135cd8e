import type { Clock, Timer } from '../core/clock.ts'
import type { Crypto } from '../core/crypto.ts'
import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import { TokenBucket } from '../core/token-bucket.ts'
import type { MessageStream } from '../network/network.ts'
import { Challenges } from './challenges.ts'
import { costOf } from './message-cost.ts'
import { provesLife, type SignOfLife } from './sign-of-life.ts'
import type { StateEntry } from './state-entry.ts'
import { FLAG_ACKNOWLEDGE } from './state-entry.ts'
import type { StateMap } from './state-map.ts'
import type { Ack, EntryRecord, StateMessage } from './state-messages.ts'
import { ENTRIES_TARGET, LISTED_LIMIT, sizeOf } from './state-messages.ts'
import { StateOutlet } from './state-outlet.ts'

/** Messages and entries a second from one neighbour, and at once: a large mesh is told whole at the start. */
const PER_SECOND = 2_000
const BURST = 20_000
/** Summaries at once; later ones have a pause between them, ms. Each costs by the size of the map. */
const SUMMARY_BURST = 4
const SUMMARY_PAUSE = 1_000
/** Challenges and answers that wait for room. Few are under way at a time: only hellos and stops ask. */
const WORDS_LIMIT = 16

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
  readonly #out: StateOutlet
  /** As the hello said, in hex. */
  readonly incarnation: string
  /** Of messages and entries from the neighbour: each may cost a signature. */
  readonly #rate: TokenBucket
  readonly #counters: Ports['counters']
  readonly #clock: Clock
  readonly #flushMe: (link: StateLink) => void
  /** The neighbour's latest digest of its set of members. */
  members: string | undefined
  /** Listed by the neighbour in a newer version than held here. */
  readonly missing: Map<ContextId, number> = new Map()
  #summarised = false
  readonly #known = new Map<ContextId, Known>()
  readonly #dirty = new Set<ContextId>()
  readonly #acks = new Map<string, Ack>()
  readonly #wanted = new Set<ContextId>()
  readonly #challenges = new Challenges()
  readonly #words: StateMessage[] = []
  readonly #summaries: TokenBucket
  #owesSummary = false
  #owesDigest = false
  #digestSent = ''
  #later: Timer | undefined

  /** @param flushMe called when what had to wait can go: a full stream has room again, or a pause is over */
  constructor(
    stream: MessageStream,
    incarnation: string,
    ports: Pick<Ports, 'clock' | 'counters'>,
    flushMe: (link: StateLink) => void,
  ) {
    this.#out = new StateOutlet(stream, ports.counters, () => flushMe(this))
    this.incarnation = incarnation
    this.#rate = new TokenBucket(ports.clock, PER_SECOND, BURST)
    this.#counters = ports.counters
    this.#clock = ports.clock
    this.#flushMe = flushMe
    this.#summaries = new TokenBucket(ports.clock, 1_000 / SUMMARY_PAUSE, SUMMARY_BURST)
  }

  get stream(): MessageStream {
    return this.#out.stream
  }

  /** The neighbour's summary came, and everything it listed is here. */
  get isSynced(): boolean {
    return this.#summarised && this.missing.size === 0
  }

  /** False when the neighbour says too much: what is not heard of it the periodic digest brings back. */
  mayCost(message: StateMessage, map: StateMap): boolean {
    return this.#rate.take(costOf(message, map))
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
      if (!isFirst) this.want(context)
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
    const known = this.#acks.get(key)
    if (known === undefined && this.#acks.size >= LISTED_LIMIT) this.#counters.add('membership.ack.dropped')
    else if (known === undefined || known[1] < ack[1]) this.#acks.set(key, ack)
  }

  want(context: ContextId): void {
    if (this.#wanted.size < LISTED_LIMIT) this.#wanted.add(context)
    else this.#counters.add('membership.want.dropped')
  }

  /** The neighbour's answer, if it comes within `ms` and is signed by the life that is linked here. */
  challenge({ clock }: Pick<Ports, 'clock'>, nonce: string, ms: number): Promise<SignOfLife | undefined> {
    const answer = this.#challenges.ask(clock, nonce, ms)
    this.say({ t: 'challenge', nonce })
    return answer
  }

  answered(crypto: Crypto, nonce: string, alive: SignOfLife): void {
    if (!this.#challenges.isOpen(nonce) || alive.incarnation !== this.incarnation) return
    if (provesLife(crypto, this.stream.peer, nonce, alive)) this.#challenges.answered(nonce, alive)
  }

  closed(): void {
    this.#challenges.close()
    this.#later?.cancel()
  }

  /** A challenge or the answer to one: at once, or behind all else when the stream has room again. */
  say(word: StateMessage): void {
    if (this.#out.hasRoom) this.#out.send(word)
    else if (this.#words.length < WORDS_LIMIT) this.#words.push(word)
    else this.#counters.add('membership.state.unsaid')
  }

  /** The first message on a stream: the whole map by its versions. */
  begin(map: StateMap): void {
    this.#sendSummary(map)
  }

  /** The neighbour's map differs: it is told ours. However often it asks meanwhile, once. */
  oweSummary(): void {
    this.#owesSummary = true
  }

  /** The neighbour is told the digest of the whole map, and answers with a summary where that differs. */
  compareMaps(): void {
    this.#owesDigest = true
  }

  /** Sends what has gathered while there is room: entries the neighbour lacks, wants, acknowledgements, then the map's own. */
  flush(map: StateMap, now: number): void {
    if (this.#out.hasRoom) this.#flushEntries(map, now)
    if (this.#out.hasRoom && this.#wanted.size > 0) {
      this.#out.send({ t: 'want', contexts: [...this.#wanted] })
      this.#wanted.clear()
    }
    if (this.#out.hasRoom && this.#acks.size > 0) {
      this.#out.send({ t: 'acks', acks: [...this.#acks.values()] })
      this.#acks.clear()
    }
    if (this.#out.hasRoom) this.#flushMap(map)
    while (this.#out.hasRoom && this.#words.length > 0) this.#out.send(this.#words.shift()!)
  }

  #flushMap(map: StateMap): void {
    if (this.#owesSummary && this.#mayList()) this.#sendSummary(map)
    else if (this.#owesDigest) this.#sendDigest(map, map.digest)
    else if (this.#digestSent !== map.memberDigest) this.#sendDigest(map, '')
  }

  #mayList(): boolean {
    if (this.#summaries.take()) return true
    this.#later ??= this.#clock.after(SUMMARY_PAUSE, () => {
      this.#later = undefined
      this.#flushMe(this)
    })
    return false
  }

  /** @param whole digest of all versions, which asks for a summary where it differs; empty = only the set of members */
  #sendDigest(map: StateMap, whole: string): void {
    this.#digestSent = map.memberDigest
    if (whole !== '') this.#owesDigest = false
    this.#out.send({ t: 'digest', members: map.memberDigest, map: whole })
  }

  /** It says what a digest would, too. */
  #sendSummary(map: StateMap): void {
    this.#digestSent = map.memberDigest
    this.#owesSummary = false
    this.#owesDigest = false
    const versions = map.versions()
    if (versions.length > LISTED_LIMIT) this.#counters.add('membership.summary.cut-off', versions.length - LISTED_LIMIT)
    this.#out.send({ t: 'summary', members: map.memberDigest, versions: versions.slice(0, LISTED_LIMIT) })
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
      this.#out.send({ t: 'entries', records })
      records = []
      size = 0
      if (!this.#out.hasRoom) return
    }
    if (records.length > 0) this.#out.send({ t: 'entries', records })
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
