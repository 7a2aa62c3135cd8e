import type { Timer } from '../../core/clock.ts'
import type { Ports } from '../../core/ports.ts'
import type { Members } from '../../membership/members.ts'
import type { Gossip } from '../../network/network.ts'
import type { Batch, Outlet, Route } from './batcher.ts'
import { OwnChain } from './chains.ts'
import type { DirectLane } from './direct-lane.ts'
import { type FrameSender, SentCredentials } from './frame-sender.ts'
import type { Shards } from './shards.ts'

const KIBIBYTE = 1_024
/** Ms that frames wait for somebody who hears them: gossip's watchdog takes 2 s to find a lost stream and reopen it. */
const UNHEARD = 3_000
/** How long a gossiped frame counts as under way, ms: twice what receivers hold back for it. */
const UNDER_WAY = 500

export interface GossipLaneOptions {
  /** Bytes waiting towards the slowest neighbour above which a batch goes on filling. @default 128 KiB */
  readyBytes?: number
  /** Bytes above which publishers wait; above four times as much, frames are dropped and counted. @default 1 MiB */
  fullBytes?: number
}

export interface GossipLaneComponents {
  readonly ports: Ports
  readonly gossip: Gossip
  readonly shards: Shards
  readonly sender: FrameSender
  /** What a gossiping lane must know and tell of the other one, so that the order within a shard survives. */
  readonly direct: Pick<DirectLane, 'changeToGossip' | 'wouldBeOvertaken'>
  /** Where others pass on a shard, gossip without a hearer is a link that is not up yet. */
  readonly members: Pick<Members, 'relays' | 'seekRelays'>
  onReady(): void
}

interface Waiting {
  readonly shard: number
  readonly frame: Uint8Array
  /** Monotonic ms from which on it is sent although nobody hears it. */
  readonly until: number
}

/** Signed frames by gossip, one shard each. gossipsub has no back-pressure of its own, so its backlog is watched here. */
export class GossipLane {
  readonly #parts: GossipLaneComponents
  readonly #readyBytes: number
  readonly #fullBytes: number
  readonly #routes: Route[] = []
  readonly #outlets: ShardOutlet[] = []
  /** Last sequence by shard. */
  readonly #last: Float64Array
  /** By shard, when the last one was handed over. */
  readonly #sentAt: Float64Array
  #waiting: Waiting[] = []
  /** How many frames wait, by shard: the other shards go on. */
  readonly #held: Uint32Array
  #waitingBytes = 0
  #timer: Timer | undefined
  #emptied: PromiseWithResolvers<void> | undefined
  #isWaiting = false
  #room: Promise<void> | undefined
  #isFull = false

  constructor(parts: GossipLaneComponents, options: GossipLaneOptions) {
    this.#parts = parts
    this.#readyBytes = options.readyBytes ?? 128 * KIBIBYTE
    this.#fullBytes = options.fullBytes ?? 1_024 * KIBIBYTE
    this.#last = new Float64Array(parts.shards.count).fill(-1)
    this.#sentAt = new Float64Array(parts.shards.count)
    this.#held = new Uint32Array(parts.shards.count)
    for (let shard = 0; shard < parts.shards.count; shard++) {
      const outlet = new ShardOutlet(this, shard)
      this.#outlets.push(outlet)
      this.#routes.push([outlet])
    }
    parts.gossip.onChange(() => {
      if (this.#waiting.length > 0) this.#look()
    })
  }

  routeOf(shard: number): Route {
    return this.#routes[shard]!
  }

  /**
   * The last sequence sent by gossip in the shard, -1 for none or when it has come everywhere by now. Receivers wait for
   * it, so a newcomer must not be told of what was gossiped long before it came.
   */
  lastUnderWay(shard: number): number {
    const isLong = this.#parts.ports.clock.monotonic() - this.#sentAt[shard]! > UNDER_WAY
    return isLong && this.#held[shard] === 0 ? -1 : this.#last[shard]!
  }

  /** Somebody new may listen: credentials travel in full once more. */
  sendCredentialsAnew(): void {
    for (const outlet of this.#outlets) outlet.sent.clear()
  }

  get isFull(): boolean {
    return this.#isFull
  }

  isReady(shard: number): boolean {
    if (this.#held[shard]! > 0) return false
    if (this.#parts.gossip.backlog < this.#readyBytes) return true
    this.#wait()
    return false
  }

  /** One wait for all publishers, however many there are: each of its own would listen to the stream by itself. */
  room(): Promise<void> {
    this.#room ??= this.#roomAgain().finally(() => {
      this.#room = undefined
    })
    return this.#room
  }

  async drained(): Promise<void> {
    this.flush()
    if (this.#waiting.length > 0) await this.#empty()
    if (this.#parts.gossip.backlog > 0) await this.#parts.gossip.drained(1)
  }

  /** The stop has no more time: what has not gone out never will. The backlog is gossipsub's, and ends with the links. */
  giveUp(): void {
    const { counters } = this.#parts.ports
    this.#timer?.cancel()
    counters.add('broker.gossip.unsent-frames', this.#waiting.splice(0).length)
    counters.add('broker.gossip.unsent-bytes', this.#pendingBytes)
    this.#waitingBytes = 0
  }

  send(outlet: ShardOutlet, batch: Batch): void {
    const { sender, members, ports } = this.#parts
    const { shard } = outlet
    const range = batch.ranges[0]!
    if (this.#pendingBytes >= 4 * this.#fullBytes) {
      ports.counters.add('broker.dropped-gossip', batch.writer.count)
      batch.writer.reset()
      return
    }
    if (!members.relays.shards.has(shard)) members.seekRelays(shard)
    this.#parts.direct.changeToGossip(shard, range.first, range.last)
    const frame = sender.signed(batch, sender.unsent(batch, [outlet.sent]), outlet.chain)
    this.#last[shard] = range.last
    this.#held[shard]! += 1
    this.#waiting.push({ shard, frame, until: ports.clock.monotonic() + UNHEARD })
    this.#waitingBytes += frame.length
    this.flush()
  }

  /**
   * Sends what waits, shard by shard in its order. Frames wait while the direct lane to somebody who was sent earlier ones
   * is being opened (250 ms at most), and while a shard that somebody listens to has nobody here who passes it on: after a
   * link was made or lost, gossip takes a moment to know who subscribes. Who is only about to leave the shard may have no
   * link to the others any more.
   */
  flush(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    const kept: Waiting[] = []
    for (const next of waiting) {
      if (kept.some(({ shard }) => shard === next.shard) || this.#mustWait(next)) kept.push(next)
      else this.#publish(next)
    }
    this.#waiting = kept
    this.#isFull = this.#pendingBytes >= this.#fullBytes
    if (kept.length > 0) return
    this.#emptied?.resolve()
    this.#emptied = undefined
  }

  get #pendingBytes(): number {
    return this.#parts.gossip.backlog + this.#waitingBytes
  }

  #mustWait({ shard, until }: Waiting): boolean {
    const { gossip, shards, direct, members, ports } = this.#parts
    if (direct.wouldBeOvertaken(shard)) return true
    const left = until - ports.clock.monotonic()
    if (left <= 0 || !members.relays.hasOther(shard)) return false
    if (gossip.subscribers(shards.topicOf(shard)).some((peer) => members.relays.has(peer, shard))) return false
    this.#timer ??= ports.clock.after(left, () => this.#look())
    return true
  }

  #publish({ shard, frame }: Waiting): void {
    const { gossip, shards, ports } = this.#parts
    this.#waitingBytes -= frame.length
    this.#held[shard]! -= 1
    this.#sentAt[shard] = ports.clock.monotonic()
    if (gossip.publish(shards.topicOf(shard), frame) === 0) ports.counters.add('broker.gossip.unheard')
  }

  /** Somebody may hear now what has waited, or has waited long enough. */
  #look(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const before = this.#waiting.length
    this.flush()
    if (this.#waiting.length < before) this.#parts.onReady()
  }

  async #roomAgain(): Promise<void> {
    while (this.#isFull) {
      if (this.#waiting.length > 0) await this.#empty()
      else await this.#parts.gossip.drained(this.#fullBytes / 2)
      this.#isFull = this.#pendingBytes >= this.#fullBytes
    }
  }

  #empty(): Promise<void> {
    this.#emptied ??= Promise.withResolvers()
    return this.#emptied.promise
  }

  #wait(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    const done = (): void => {
      this.#isWaiting = false
      this.#isFull = this.#pendingBytes >= this.#fullBytes
      this.#parts.onReady()
    }
    this.#parts.gossip.drained(this.#readyBytes).then(done, done)
  }
}

class ShardOutlet implements Outlet {
  batch: Batch | undefined
  readonly shard: number
  readonly chain: OwnChain = new OwnChain()
  readonly sent: SentCredentials = new SentCredentials()
  readonly #lane: GossipLane

  constructor(lane: GossipLane, shard: number) {
    this.#lane = lane
    this.shard = shard
  }

  get isReady(): boolean {
    return this.#lane.isReady(this.shard)
  }
  get isFull(): boolean {
    return this.#lane.isFull
  }
  room(): Promise<void> {
    return this.#lane.room()
  }
  send(batch: Batch): void {
    this.#lane.send(this, batch)
  }
}
