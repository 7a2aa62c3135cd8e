import type { Clock } from '../../core/clock.ts'
import type { AmcpEvent } from '../../events/event.ts'
import { FrameWriter, type FrameWriterOptions } from '../../events/frame/frame-writer.ts'
import type { Credential } from '../../identity/credential.ts'

/** Sequences of one shard in a batch. */
export interface ShardRange {
  readonly shard: number
  first: number
  last: number
}

/** Bytes of tokens that one frame may have to send in full; then the next frame begins. */
const MAX_TOKEN_BYTES = 32_768

/**
 * Events in a frame that leaves before its turn is over when somebody waits for the next of them, as with calls and
 * replies: the other end then begins with these while this one goes on. If all of a turn left together, the two ends would
 * work in turns and one processor would idle. Fewer make more frames, which cost some 40 µs at each end.
 */
const AHEAD = 24

/** Events for one outlet that will leave as one frame. */
export class Batch {
  readonly writer: FrameWriter
  readonly ranges: ShardRange[] = []
  readonly tokens: Set<Credential> = new Set()
  tokenBytes = 0
  #range: ShardRange | undefined
  #token: Credential | undefined

  constructor(writer: FrameWriter) {
    this.writer = writer
  }

  /** False when the frame is full. Throws what the frame writer throws; then the batch is as before. */
  add(event: AmcpEvent, sequence: number, shard: number, token: Credential | undefined): boolean {
    if (this.tokenBytes > MAX_TOKEN_BYTES) return false
    if (!this.writer.add(event, sequence, shard, token?.hash)) return false
    let range = this.#range
    if (range === undefined || range.shard !== shard) {
      range = this.#rangeOf(shard, sequence)
      this.#range = range
    }
    range.last = sequence
    if (token !== undefined && token !== this.#token) {
      this.#token = token
      if (!this.tokens.has(token)) {
        this.tokens.add(token)
        this.tokenBytes += token.bytes.length
      }
    }
    return true
  }

  holds(shard: number): boolean {
    return this.ranges.some((range) => range.shard === shard)
  }

  #rangeOf(shard: number, first: number): ShardRange {
    for (const range of this.ranges) if (range.shard === shard) return range
    const range = { shard, first, last: first }
    this.ranges.push(range)
    return range
  }
}

/** Where batches go: the contexts of one audience, or the gossip of one shard. */
export interface Outlet {
  /** Whether what was sent before has been handed over; when that changes it calls `Batcher.flush`. */
  readonly isReady: boolean
  /** Whether publishers are to wait for `room()`. */
  readonly isFull: boolean
  room(): Promise<void>
  /** Makes a frame of the batch and hands it on, or queues it; ready or not. */
  send(batch: Batch): void
  /** The batch that is being filled; the batcher's own. */
  batch: Batch | undefined
}

/** All outlets that an event goes to. The same object for the same audience. */
export type Route = readonly Outlet[]

/**
 * Fills frames. One leaves when the frame before has been handed over or at the end of the turn, whichever is later, or
 * when it is full: alone when idle, together when busy. After a turn with one event only, the first of the next turn
 * leaves at the end of its task already, since it is likely to be alone again: a lone call saves two turns. Events that
 * somebody waits for leave in frames of a few. When a shard's events change their route, the batches that hold earlier
 * ones leave first, so that the order within a shard survives.
 */
export class Batcher {
  readonly #clock: Clock
  readonly #writerOptions: FrameWriterOptions
  readonly #open = new Set<Outlet>()
  /** Frame writers keep some 140 KB each, so they are used again. */
  readonly #writers: FrameWriter[] = []
  readonly #routes: (Route | undefined)[] = []
  readonly #endOfTurn: () => void
  readonly #endOfTask: () => void
  #isScheduled = false
  /** Events added in this turn, and whether the turn before had more than one. */
  #added = 0
  #isBusy = false

  constructor(clock: Clock, writerOptions: FrameWriterOptions) {
    this.#clock = clock
    this.#writerOptions = writerOptions
    this.#endOfTurn = () => {
      this.#isScheduled = false
      this.#isBusy = this.#added > 1
      this.#added = 0
      this.flush()
    }
    this.#endOfTask = () => this.flush()
  }

  get open(): number {
    return this.#open.size
  }

  /**
   * Throws what the frame writer throws: then nothing was taken.
   * @param isAwaited whether somebody waits for the event, so that many of them do not wait for the end of the turn
   */
  add(
    route: Route,
    event: AmcpEvent,
    sequence: number,
    shard: number,
    token: Credential | undefined,
    isAwaited = false,
  ): void {
    const before = this.#routes[shard]
    if (before !== route) {
      if (before !== undefined) this.#sealShard(before, shard)
      this.#routes[shard] = route
    }
    for (let at = 0; at < route.length; at++) {
      const outlet = route[at]!
      const batch = outlet.batch ?? this.#begin(outlet)
      if (!batch.add(event, sequence, shard, token)) {
        this.#seal(outlet)
        this.#begin(outlet).add(event, sequence, shard, token)
      } else if (isAwaited && batch.writer.count >= AHEAD && outlet.isReady) this.#seal(outlet)
    }
    this.#added += 1
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.endOfTurn(this.#endOfTurn)
    if (!this.#isBusy) this.#clock.endOfTask(this.#endOfTask)
  }

  /** Sends the batches whose outlets are ready. Called at the end of a turn and when an outlet has become ready. */
  flush(): void {
    for (const outlet of this.#open) if (outlet.isReady) this.#seal(outlet)
  }

  /** Sends everything, ready or not. */
  flushAll(): void {
    for (const outlet of this.#open) this.#seal(outlet)
  }

  #sealShard(route: Route, shard: number): void {
    for (const outlet of route) if (outlet.batch?.holds(shard)) this.#seal(outlet)
  }

  #begin(outlet: Outlet): Batch {
    const batch = new Batch(this.#writers.pop() ?? new FrameWriter(this.#writerOptions))
    outlet.batch = batch
    this.#open.add(outlet)
    return batch
  }

  #seal(outlet: Outlet): void {
    const batch = outlet.batch
    if (batch === undefined) return
    outlet.batch = undefined
    this.#open.delete(outlet)
    if (batch.writer.count > 0) outlet.send(batch)
    if (this.#writers.length < MAX_SPARE_WRITERS) this.#writers.push(batch.writer)
  }
}

const MAX_SPARE_WRITERS = 16
