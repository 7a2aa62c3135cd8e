import type { Timer } from '../../core/clock.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import { EnvelopeWriter } from '../../events/frame/link-envelope.ts'
import { closeBy } from '../../network/close-by.ts'
import { CreditLink } from '../../network/credit-link.ts'
import type { MessageStream } from '../../network/network.ts'
import type { ShardRange } from './batcher.ts'
import type { DirectLinkComponents, DirectLinkOptions } from './direct-link-parts.ts'
import { DroppedRanges } from './dropped-ranges.ts'
import { SentCredentials } from './frame-sender.ts'
import { keepOpening } from './keep-opening.ts'
import { MAX_HOLD_MS } from './order.ts'
import { SendQueue, type Waiting } from './send-queue.ts'
import { WaitBudget } from './slow-receiver.ts'
import { UseCount } from './use-count.ts'

const MEBIBYTE = 1_048_576
/** One message may wait in the credit link itself; the rest waits here, where it survives the stream. */
const LINK_QUEUE_BYTES = 1

/**
 * The direct lane to one context: one long-lived stream, opened when there is something to send and again after a loss.
 * A receiver whose queue is full may keep publishers waiting within its budget; after that it is slow, and what is meant
 * for it is dropped, counted and told to both ends, until its queue is half empty.
 */
export class DirectLink {
  readonly peer: ContextId
  readonly sent: SentCredentials = new SentCredentials()
  readonly #parts: DirectLinkComponents
  readonly #limit: number
  readonly #budget: WaitBudget
  readonly #envelope = new EnvelopeWriter()
  /** Last sequence sent by shard, on this stream or waiting for the next. */
  readonly #last: Float64Array
  /** By shard, up to where the receiver knows what comes on this lane; anew with each stream. */
  readonly #told: Float64Array
  readonly #dropped = new DroppedRanges()
  readonly #queue = new SendQueue()
  readonly #waiters: (() => void)[] = []
  readonly #drainers: (() => void)[] = []
  #link: CreditLink | undefined
  #isOpening = false
  #isStopped = false
  #isSlow = false
  #isFull = false
  #laneChanges = 0
  readonly #use = new UseCount()
  #slowTimer: Timer | undefined
  /** While the receiver cannot know of this lane yet. */
  #hold: Timer | undefined

  constructor(
    peer: ContextId,
    parts: DirectLinkComponents,
    { queueBytes = 4 * MEBIBYTE, ...budget }: DirectLinkOptions,
  ) {
    this.peer = peer
    this.#parts = parts
    this.#limit = queueBytes
    this.#budget = new WaitBudget(budget)
    this.#last = new Float64Array(parts.shardCount).fill(-1)
    this.#told = new Float64Array(parts.shardCount).fill(-1)
  }

  /** Whether nothing waits here: the batch before was handed over. A slow receiver keeps nobody waiting. */
  get isReady(): boolean {
    return this.#queue.isEmpty || this.#isSlow
  }

  /** Whether publishers are to wait for this receiver. */
  get isFull(): boolean {
    return this.#isFull && !this.#isSlow
  }

  get isSlow(): boolean {
    return this.#isSlow
  }

  /** Whether there is a stream. */
  get isOpen(): boolean {
    return this.#link !== undefined
  }

  /** Whether anything went either way since this was asked last, or waits. */
  wasUsed(): boolean {
    return this.#use.wasUsed() || !this.#queue.isEmpty
  }

  /**
   * Whether gossip of the shard would overtake what was sent here, because the receiver cannot know of this lane yet:
   * true for a moment while the stream is opened.
   */
  wouldBeOvertaken(shard: number): boolean {
    if (this.#link !== undefined || this.#queue.isEmpty || this.#last[shard] === -1) return false
    return this.#hold !== undefined
  }

  /** Queues a frame, or drops it when the receiver is slow. The bytes are shared with other receivers. */
  push(frame: Uint8Array, ranges: readonly ShardRange[]): void {
    if (this.#isStopped || this.#isSlow || this.#queue.bytes > 2 * this.#limit) {
      this.#drop(ranges)
      return
    }
    const envelope = this.#envelope
    this.#tellDropped()
    for (let at = 0; at < ranges.length; at++) {
      const { shard, last } = ranges[at]!
      envelope.previous(shard, Math.max(this.#last[shard]!, this.#parts.gossiped(shard)))
      this.#last[shard] = last
      this.#told[shard] = last
    }
    this.#send({ envelope: envelope.finish(true), frame })
  }

  /** Tells the receiver, unless it knows, that nothing of the shard before `first` is to come here any more. */
  changeToGossip(shard: number, first: number, last: number): void {
    const isTold = this.#told[shard]! >= first - 1
    this.#told[shard] = last
    const isLinked = this.#link !== undefined || !this.#queue.isEmpty
    if (isTold || !isLinked || this.#isSlow || this.#isStopped) return
    const envelope = this.#envelope.lane(++this.#laneChanges, shard, 'gossip', first - 1).finish(false)
    this.#send({ envelope, frame: undefined })
  }

  /** Resolves when there is room again, or when this receiver has used up what publishers may wait for it. */
  room(): Promise<void> {
    const { clock } = this.#parts.ports
    const left = this.#budget.left(clock.monotonic())
    if (left <= 0) {
      this.#becomeSlow()
      return Promise.resolve()
    }
    this.#budget.startWaiting(clock.monotonic())
    this.#slowTimer ??= clock.after(left, () => this.#becomeSlow())
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  /** Takes a stream that the peer opened; used for sending too when there is none. */
  accept(stream: MessageStream): void {
    this.#attach(stream)
  }

  /**
   * Resolves when the receiver has said that it took everything in, or cannot any more. What was only handed to the
   * transport would be lost with the link that the caller is about to end.
   */
  async drained(): Promise<void> {
    while (!this.#isStopped && (!this.#queue.isEmpty || (this.#link?.unacknowledged ?? 0) > 0))
      await new Promise<void>((resolve) => this.#drainers.push(resolve))
  }

  /** What waits is forgotten and counted. @param by reading of the clock at which a stream that does not close is broken off */
  async close(by: number): Promise<void> {
    this.#isStopped = true
    this.#release()
    this.#forgetQueue()
    if (this.#link !== undefined) await closeBy(this.#parts.ports, by, this.#link)
  }

  #send(waiting: Waiting): void {
    if (this.#queue.isEmpty && this.#hand(waiting)) return
    this.#queue.push(waiting)
    if (this.#queue.bytes >= this.#limit) this.#isFull = true
    if (this.#link === undefined) this.#open()
  }

  /** Whether the stream took the message. */
  #hand({ envelope, frame }: Waiting): boolean {
    const link = this.#link
    if (link === undefined || !link.isOpen) return false
    this.#use.count++
    try {
      return frame === undefined ? link.send(envelope) : link.send(envelope, frame)
    } catch (error) {
      if (!(error instanceof AmcpError) || error.code !== 'ERR_EVENT_TOO_LARGE') throw error
      // Nobody honest grants less than a frame. It is the receiver's loss: the publisher and the others go on.
      this.#parts.ports.counters.add('broker.direct.unfit-window')
      this.sent.clear()
      return true
    }
  }

  #pump(): void {
    for (let next = this.#queue.first; next !== undefined && this.#hand(next); next = this.#queue.first)
      this.#queue.shift()
    if (this.#queue.bytes * 2 > this.#limit) return
    if (this.#isSlow) this.#parts.ports.logger.info({ peer: this.peer }, 'the receiver has caught up')
    this.#isSlow = false
    this.#isFull = false
    if (this.#tellDropped()) {
      // What was dropped may have carried credentials. Not at each drop: the others' frames would carry them all again.
      this.sent.clear()
      this.#send({ envelope: this.#envelope.finish(false), frame: undefined })
    }
    this.#release()
    if (this.isReady) this.#parts.onReady()
  }

  #release(): void {
    this.#slowTimer?.cancel()
    this.#slowTimer = undefined
    this.#budget.stopWaiting(this.#parts.ports.clock.monotonic())
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  #becomeSlow(): void {
    const { counters, logger } = this.#parts.ports
    this.#isSlow = true
    counters.add('broker.slow-receiver')
    logger.warn({ peer: this.peer, queued: this.#queue.bytes }, 'the receiver is slow: its events are dropped')
    this.#release()
    this.#parts.onReady()
  }

  #drop(ranges: readonly ShardRange[]): void {
    // Numbers in between may have been for others: an upper bound, exact when the shard has one audience.
    this.#parts.ports.counters.add('broker.dropped-slow', this.#dropped.add(ranges))
  }

  /** Writes what was dropped into the next envelope and into the log: both ends know. */
  #tellDropped(): boolean {
    if (this.#dropped.isEmpty) return false
    for (const range of this.#dropped.take()) {
      this.#envelope.dropped(range.shard, range.first, range.last)
      this.#parts.ports.logger.warn({ peer: this.peer, ...range }, 'events dropped: the receiver was slow')
    }
    return true
  }

  #open(): void {
    if (this.#isOpening || this.#isStopped) return
    this.#isOpening = true
    this.#hold?.cancel()
    this.#hold = this.#parts.ports.clock.after(MAX_HOLD_MS, () => {
      this.#hold = undefined
      this.#parts.onReady()
    })
    void this.#openUntilDone().finally(() => {
      this.#isOpening = false
      if (this.#link === undefined && !this.#queue.isEmpty) this.#open()
    })
  }

  async #openUntilDone(): Promise<void> {
    const stream = await keepOpening(this.peer, this.#parts, () => this.#link === undefined && !this.#isStopped)
    if (stream === undefined) return
    if (stream !== 'left') {
      if (this.#isStopped) stream.abort(new AmcpError('ERR_STOPPED', `the direct lane to ${this.peer} is closed`))
      else this.#attach(stream)
      return
    }
    this.#forgetQueue()
    this.#release()
    this.#parts.onReady()
  }

  #attach(stream: MessageStream): void {
    const link = new CreditLink(stream, this.#parts.ports, { queue: LINK_QUEUE_BYTES })
    link.onMessage((message) => {
      this.#use.count++
      this.#parts.onMessage(this.peer, message)
    })
    link.onWritable(() => this.#pump())
    link.onAcknowledged(() => this.#lookDrained())
    link.onClose(() => this.#lost(link))
    // One that ended before anybody listened has told `#lost` already, and would be taken for a way for ever.
    if (this.#link !== undefined || !link.isOpen) return
    this.#link = link
    this.#told.fill(-1)
    this.#tellGossiped()
    this.#pump()
  }

  /** Gossip that is under way while a stream begins would otherwise wait there for what the stream never brings. */
  #tellGossiped(): void {
    const envelope = this.#envelope
    for (let shard = 0; shard < this.#told.length; shard++) {
      const sequence = this.#parts.gossiped(shard)
      if (sequence === -1 || this.#last[shard] !== -1) continue
      envelope.nothingUntil(shard, sequence)
      this.#told[shard] = sequence
    }
    if (!envelope.isEmpty) this.#send({ envelope: envelope.finish(false), frame: undefined })
  }

  #lost(link: CreditLink): void {
    if (this.#link !== link) return
    this.#link = undefined
    // At once, since frames for the next stream are made before it stands.
    this.sent.clear()
    // What was handed over has come or never will; only what waits here is still before what follows.
    if (this.#queue.isEmpty) this.#last.fill(-1)
    if (link.unacknowledged > 0)
      this.#parts.ports.counters.add('broker.direct.unacknowledged-bytes', link.unacknowledged)
    if (!this.#queue.isEmpty) this.#open()
    this.#lookDrained()
  }

  #lookDrained(): void {
    for (const resolve of this.#drainers.splice(0)) resolve()
  }

  #forgetQueue(): void {
    const left = this.#queue.clear()
    this.sent.clear()
    this.#last.fill(-1)
    if (left > 0) this.#parts.ports.counters.add('broker.direct.unsent-frames', left)
    this.#isFull = false
    this.#isSlow = false
    this.#lookDrained()
  }
}
