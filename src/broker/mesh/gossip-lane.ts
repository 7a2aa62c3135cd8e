import type { Ports } from '../../core/ports.ts'
import type { Gossip } from '../../network/network.ts'
import type { Batch, Outlet, Route } from './batcher.ts'
import { OwnChain } from './chains.ts'
import { type FrameSender, SentCredentials } from './frame-sender.ts'
import type { Shards } from './shards.ts'

const KIBIBYTE = 1_024

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
  /** Called before a shard's events after `sequence` go by gossip. */
  changeToGossip(shard: number, sequence: number): void
  onReady(): void
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
  #isWaiting = false
  #isFull = false

  constructor(parts: GossipLaneComponents, options: GossipLaneOptions) {
    this.#parts = parts
    this.#readyBytes = options.readyBytes ?? 128 * KIBIBYTE
    this.#fullBytes = options.fullBytes ?? 1_024 * KIBIBYTE
    this.#last = new Float64Array(parts.shards.count).fill(-1)
    for (let shard = 0; shard < parts.shards.count; shard++) {
      const outlet = new ShardOutlet(this, shard)
      this.#outlets.push(outlet)
      this.#routes.push([outlet])
    }
  }

  routeOf(shard: number): Route {
    return this.#routes[shard]!
  }

  /** The last sequence sent by gossip in the shard, -1 for none. */
  lastOf(shard: number): number {
    return this.#last[shard]!
  }

  /** Somebody new may listen: credentials travel in full once more. */
  sendCredentialsAnew(): void {
    for (const outlet of this.#outlets) outlet.sent.clear()
  }

  get isFull(): boolean {
    return this.#isFull
  }

  get isReady(): boolean {
    if (this.#parts.gossip.backlog < this.#readyBytes) return true
    this.#wait()
    return false
  }

  async room(): Promise<void> {
    while (this.#isFull) {
      await this.#parts.gossip.drained(this.#fullBytes / 2)
      this.#isFull = this.#parts.gossip.backlog >= this.#fullBytes
    }
  }

  async drained(): Promise<void> {
    if (this.#parts.gossip.backlog > 0) await this.#parts.gossip.drained(1)
  }

  send(outlet: ShardOutlet, batch: Batch): void {
    const { gossip, shards, sender, ports } = this.#parts
    const { shard } = outlet
    const range = batch.ranges[0]!
    if (gossip.backlog >= 4 * this.#fullBytes) {
      ports.counters.add('broker.dropped-gossip', batch.writer.count)
      batch.writer.reset()
      return
    }
    this.#parts.changeToGossip(shard, range.first - 1)
    const frame = sender.signed(batch, sender.unsent(batch, [outlet.sent]), outlet.chain)
    this.#last[shard] = range.last
    if (gossip.publish(shards.topicOf(shard), frame) === 0) ports.counters.add('broker.gossip.unheard')
    if (gossip.backlog >= this.#fullBytes) this.#isFull = true
  }

  #wait(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    const done = (): void => {
      this.#isWaiting = false
      this.#isFull = this.#parts.gossip.backlog >= this.#fullBytes
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
    return this.#lane.isReady
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
