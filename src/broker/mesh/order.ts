import type { Clock, Timer } from '../../core/clock.ts'
import type { Counters } from '../../core/counters.ts'
import type { Frame } from '../../events/frame/frame-reader.ts'
import type { LinkRecord } from '../../events/frame/link-envelope.ts'
import type { ReceivedEvent } from '../../events/frame/received-event.ts'
import { type FramePlace, placeOf, precedes } from './frame-place.ts'
import type { PublisherStreams } from './received-streams.ts'

/** Frames held back per publisher; beyond that the oldest goes on without what it waits for. */
const MAX_HELD = 64
/** How long the first frame that is seen of a gossip chain waits, ms: two frames overtake each other by no more than two paths differ. */
const FIRST_HOLD_MS = 100
/** How long a frame waits for what comes before it, ms; a sender's gossip waits no longer for a stream to open. */
export const MAX_HOLD_MS = 250

/** A judged frame on its way to the subscribers. */
export interface OrderedFrame {
  readonly streams: PublisherStreams
  readonly frame: Frame
  readonly events: readonly ReceivedEvent[]
  /** Number in its gossip chain; undefined on the direct lane. */
  readonly n: number | undefined
  /** Direct lane: what was sent to us in each shard before. */
  readonly records: readonly LinkRecord[]
  /** Whether the publisher has a direct lane to us, on which it says what does not come by gossip. */
  readonly isLinked: boolean
}

interface Held {
  readonly frame: OrderedFrame
  readonly place: FramePlace
  readonly until: number
  /** Whether it waits, directly or behind another, for a frame whose credentials are on their way. */
  isBehind: boolean
}

/**
 * Keeps the order of each publisher within a shard although its events may change lanes: a frame that comes before the
 * last one of the other lane, or before its predecessor in the gossip chain, is held back, at most 250 ms. What comes
 * later than that is dropped and counted, as is what comes twice.
 *
 * A frame that is here but lacks credentials keeps its place: on either lane nothing of its shards that was published
 * after it overtakes it, however long they take. Whoever reserved the place ends it, so parking bounds that wait.
 */
export class OrderGate {
  readonly #clock: Clock
  readonly #counters: Counters
  readonly #deliver: (event: ReceivedEvent) => void
  readonly #maxHoldMs: number
  #held: Held[] = []
  readonly #reserved = new Set<FramePlace>()
  #timer: Timer | undefined

  constructor(
    { clock, counters, deliver }: { clock: Clock; counters: Counters; deliver: (event: ReceivedEvent) => void },
    maxHoldMs: number = MAX_HOLD_MS,
  ) {
    this.#clock = clock
    this.#counters = counters
    this.#deliver = deliver
    this.#maxHoldMs = maxHoldMs
  }

  get held(): number {
    return this.#held.length
  }

  offer(frame: OrderedFrame): void {
    if (frame.n === undefined && this.#heardOfBefore(frame) && this.#held.length > 0) this.#settle()
    if (this.#reserved.size === 0 && isReady(frame)) {
      this.#pass(frame)
      if (this.#held.length > 0) this.#settle()
      return
    }
    const place = placeOf(frame.frame, frame.events)
    const holdMs = isFirstSeen(frame) ? Math.min(FIRST_HOLD_MS, this.#maxHoldMs) : this.#maxHoldMs
    const held = { frame, place, until: this.#clock.monotonic() + holdMs, isBehind: this.#isBehind(place) }
    if (!held.isBehind && isReady(frame)) {
      this.#pass(frame)
      this.#settle()
      return
    }
    this.#counters.add('broker.held-back')
    this.#held.push(held)
    const ofPublisher = this.#held.filter((other) => other.frame.streams === frame.streams)
    if (ofPublisher.length > MAX_HELD) this.#force(held, ofPublisher)
    this.#arm()
  }

  /**
   * A direct stream keeps its order, so a frame on it says that nothing older of its shards is to come there: gossip that
   * waits for the direct lane need not wait any more. Not while an older direct frame is held back itself.
   */
  #heardOfBefore({ streams, records }: OrderedFrame): boolean {
    let isNews = false
    for (let at = 0; at < records.length; at++) {
      const record = records[at]!
      if (record.kind !== 'previous' || record.sequence <= streams.directDone[record.shard]!) continue
      if (this.#held.some((held) => isDirectIn(held.frame, streams, record.shard))) continue
      streams.directDone[record.shard] = record.sequence
      isNews = true
    }
    return isNews
  }

  /** A frame that cannot be delivered yet keeps its place until it is released. */
  reserve(place: FramePlace): void {
    this.#reserved.add(place)
    this.#findBehind()
  }

  /** The frame is offered next, or will never be; `settle` afterwards lets pass what waited behind it. */
  release(place: FramePlace): void {
    this.#reserved.delete(place)
    this.#findBehind()
  }

  /** Lets pass whatever has become ready, until nothing more does. */
  settle(): void {
    if (this.#held.length > 0) this.#settle()
  }

  /** The publisher says that nothing up to `sequence` is to come any more on the direct lane. */
  directDone(streams: PublisherStreams, shard: number, sequence: number): void {
    if (sequence > streams.directDone[shard]!) streams.directDone[shard] = sequence
    if (this.#held.length > 0) this.#settle()
  }

  clear(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#held = []
    this.#reserved.clear()
  }

  #isBehind(place: FramePlace): boolean {
    for (const other of this.#reserved) if (precedes(other, place)) return true
    return this.#held.some((other) => other.isBehind && precedes(other.place, place))
  }

  #findBehind(): void {
    for (const held of this.#held) held.isBehind = false
    for (let hasChanged = this.#held.length > 0; hasChanged; ) {
      hasChanged = false
      for (const held of this.#held) {
        if (held.isBehind || !this.#isBehind(held.place)) continue
        held.isBehind = true
        hasChanged = true
      }
    }
  }

  #pass({ streams, events, n, records }: OrderedFrame): void {
    const { covered, directDone, nextGossip } = streams
    for (let at = 0; at < records.length; at++) {
      const record = records[at]!
      if (record.kind !== 'previous') continue
      if (record.sequence > covered[record.shard]!) covered[record.shard] = record.sequence
    }
    for (let at = 0; at < events.length; at++) {
      const event = events[at]!
      const { shard, sequenceNumber } = event
      if (sequenceNumber <= covered[shard]!) {
        this.#counters.add('broker.duplicate-or-late')
        continue
      }
      covered[shard] = sequenceNumber
      if (n === undefined) directDone[shard] = sequenceNumber
      this.#deliver(event)
    }
    const shard = events[0]?.shard
    if (n !== undefined && shard !== undefined && n >= nextGossip[shard]!) nextGossip[shard] = n + 1
  }

  #settle(): void {
    for (let at = 0; at < this.#held.length; ) {
      const { frame, isBehind } = this.#held[at]!
      if (isBehind || !isReady(frame)) {
        at++
        continue
      }
      this.#held.splice(at, 1)
      this.#pass(frame)
      at = 0
    }
    this.#arm()
  }

  #arm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const first = this.#held.find(({ isBehind }) => !isBehind)
    if (first === undefined) return
    this.#timer = this.#clock.after(Math.max(0, first.until - this.#clock.monotonic()), () => this.#expired())
  }

  #expired(): void {
    const now = this.#clock.monotonic()
    const free = this.#held.filter(({ isBehind }) => !isBehind)
    const late = free.find((held) => held.until <= now)
    if (late !== undefined) this.#force(late, free)
    this.#arm()
  }

  /** Gives up waiting: what precedes this frame and is here goes first, in its order, then the frame itself. */
  #force(late: Held, candidates: readonly Held[]): void {
    let first = late
    // A dishonest publisher can make frames that precede each other, hence no more steps than frames.
    for (let step = 0; step < candidates.length; step++) {
      const before = candidates.find((held) => precedes(held.place, first.place))
      if (before === undefined) break
      first = before
    }
    this.#held.splice(this.#held.indexOf(first), 1)
    if (!isFirstSeen(first.frame)) this.#counters.add('broker.gap')
    this.#pass(first.frame)
    this.#findBehind()
    this.#settle()
  }
}

const isDirectIn = ({ streams, n, events }: OrderedFrame, of: PublisherStreams, shard: number): boolean =>
  n === undefined && streams === of && events.some((event) => event.shard === shard)

/** Whether the chain is not known yet, so that frames before this one may be under way that are owed to a newcomer. */
function isFirstSeen({ streams, events, n }: OrderedFrame): boolean {
  const first = events[0]
  if (n === undefined || n === 0 || first === undefined) return false
  return streams.nextGossip[first.shard] === -1 && first.sequenceNumber - 1 > streams.covered[first.shard]!
}

function isReady(frame: OrderedFrame): boolean {
  if (isFirstSeen(frame)) return false
  const { streams, events, n, records, isLinked } = frame
  const { covered, directDone, nextGossip } = streams
  if (n === undefined) {
    for (let at = 0; at < records.length; at++) {
      const record = records[at]!
      if (record.kind === 'previous' && record.sequence > covered[record.shard]!) return false
    }
    return true
  }
  const first = events[0]
  if (first === undefined) return true
  const { shard } = first
  if (nextGossip[shard] !== -1 && n > nextGossip[shard]!) return false
  const before = first.sequenceNumber - 1
  return !isLinked || before <= covered[shard]! || before <= directDone[shard]!
}
