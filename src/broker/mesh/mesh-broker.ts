import { endedBy } from '../../core/ended-by.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import { type LifeCycle, STOP_MS, type StopOptions } from '../../core/life-cycle.ts'
import type { Ports } from '../../core/ports.ts'
import { MAX_EVENT_BYTES } from '../../events/data.ts'
import type { AmcpEvent } from '../../events/event.ts'
import { DEFAULT_SHARD_COUNT, shardOf } from '../../events/shard.ts'
import { isAgentTopic } from '../../events/topic.ts'
import type { SecurityManager } from '../../identity/security-manager.ts'
import type { Members } from '../../membership/members.ts'
import type { Network } from '../../network/network.ts'
import type { BrokerSubscription, Deliver, EventBroker } from '../event-broker.ts'
import { LocalDelivery } from '../local-delivery.ts'
import { Announcing } from './announcing.ts'
import { Batcher, type Route } from './batcher.ts'
import { DIRECT_LIMITS, DIRECT_PROTOCOL, DirectLane, type DirectLaneOptions } from './direct-lane.ts'
import { type FrameIdentity, type FrameSecurity, frameSecurity } from './frame-security.ts'
import { FrameSender } from './frame-sender.ts'
import { GossipLane, type GossipLaneOptions } from './gossip-lane.ts'
import { Grafting } from './grafting.ts'
import { KnownCredentials } from './known-credentials.ts'
import { chooseLane, type LaneChoiceOptions } from './lane-choice.ts'
import { Misconduct } from './misconduct.ts'
import { openToMember } from './open-to-member.ts'
import { OutsidePublishers } from './outside-publishers.ts'
import { ReceivedStreams } from './received-streams.ts'
import { Receiver } from './receiver.ts'
import { Shards } from './shards.ts'
import { SyncStreams } from './sync-streams.ts'
import { Validator, type ValidatorOptions } from './validator.ts'

/** A frame of one event: the most data, as much again for attributes, and room for credentials up to MAX_FRAME_BYTES. */
const LARGEST_EVENT = MAX_EVENT_BYTES * 2
/** Of a stop, for the streams to close when everything was sent, or all the time for that is over. */
const CLOSE_MS = 200

export interface MeshBrokerOptions extends LaneChoiceOptions, DirectLaneOptions, GossipLaneOptions, ValidatorOptions {
  /** A power of two, the same in the whole mesh. @default 64 */
  shardCount?: number
}

export interface MeshBrokerComponents {
  readonly ports: Ports
  readonly network: Network
  readonly members: Members
  readonly identity: FrameIdentity
  /** Issues the tokens of this context's agents: the SecurityManager. */
  readonly tokens: Pick<SecurityManager, 'tokenOf' | 'checkPublish'>
}

/** What can be asked of a running mesh broker beyond the port, for the command line and for tests. */
export interface MeshBroker extends EventBroker {
  /** Receivers that are slow now. */
  readonly slowReceivers: readonly ContextId[]
  /** Contexts that signed two frames for one place, with the proofs. */
  readonly evidence: Validator['evidence']
  /** The direct lanes to other contexts. */
  readonly lanes: Pick<DirectLane, 'isOpen' | 'reach'>
}

/** The broker without any server: events go by direct lane to the few who listen, by gossip to many or unknown. */
export function meshBroker(components: MeshBrokerComponents, options: MeshBrokerOptions = {}): MeshBroker {
  return new LanesBroker(components, options)
}

class LanesBroker implements MeshBroker, LifeCycle {
  /** For what was published until the last handlers ended: a receiver must say that it took it in. */
  readonly stopReserve = 1_500
  readonly #ports: Ports
  readonly #members: Members
  readonly #options: MeshBrokerOptions
  readonly #security: FrameSecurity
  readonly #tokens: MeshBrokerComponents['tokens']
  readonly #shards: Shards
  readonly #local: LocalDelivery
  readonly #batcher: Batcher
  readonly #direct: DirectLane
  readonly #gossip: GossipLane
  readonly #announcing: Announcing
  readonly #sync: SyncStreams
  readonly #validator: Validator
  readonly #receiver: Receiver
  /** Next sequence by shard. */
  readonly #sequences: Float64Array
  #present: readonly ContextId[] = []
  #unlisten: (() => void) | undefined
  #state: 'new' | 'running' | 'stopped' = 'new'
  #stopping: Promise<void> | undefined

  constructor({ ports, network, members, identity, tokens }: MeshBrokerComponents, options: MeshBrokerOptions) {
    const { shardCount = DEFAULT_SHARD_COUNT } = options
    this.#ports = ports
    this.#members = members
    this.#options = options
    this.#tokens = tokens
    this.#security = frameSecurity({ ports, identity, tokens })
    this.#shards = new Shards(network.gossip, ports.clock, this.#security.mesh, shardCount)
    this.#local = new LocalDelivery(ports, () => {
      if (this.#state === 'running') this.#announcing.change()
    })
    this.#sequences = new Float64Array(shardCount)
    this.#batcher = new Batcher(ports.clock, { crypto: ports.crypto, largest: LARGEST_EVENT })
    const sender = new FrameSender(ports, this.#security, () => members.incarnation)
    const onReady = (): void => {
      this.#gossip.flush()
      this.#batcher.flush()
    }
    this.#direct = new DirectLane(
      {
        ports,
        shardCount,
        open: (peer) => openToMember(ports.clock, network, peer, DIRECT_PROTOCOL),
        isConnected: (peer) => network.isConnected(peer),
        isPresent: (peer) => members.present.includes(peer),
        gossiped: (shard) => this.#gossip.lastUnderWay(shard),
        onMessage: (peer, message) => this.#receiver.takeDirect(peer, message),
        onReady,
      },
      sender,
      options,
    )
    this.#gossip = new GossipLane(
      {
        ports,
        gossip: network.gossip,
        shards: this.#shards,
        sender,
        direct: this.#direct,
        members,
        onReady,
      },
      options,
    )
    const neighboursIn = (topic: string): number => members.neighboursIn(this.#shards.shardOfTopic(topic)!)
    this.#announcing = new Announcing({
      ports,
      members,
      shards: this.#shards,
      grafting: new Grafting({ ...ports, gossip: network.gossip, neighboursIn }),
      patterns: () => this.#local.patterns,
    })
    const credentials = new KnownCredentials(ports, this.#security, shardCount)
    const streams = new ReceivedStreams(ports.clock, shardCount)
    this.#validator = new Validator(
      {
        ports,
        self: identity.id,
        security: this.#security,
        credentials,
        streams,
        shardCount,
        membershipOf: (context) => members.membershipOf(context),
      },
      options,
    )
    this.#sync = new SyncStreams({ ports, network }, (peer, message) => this.#receiver.takeSync(peer, message))
    const misconduct = new Misconduct(ports, (peer) => network.disconnect(peer))
    const outside = new OutsidePublishers(members)
    this.#receiver = new Receiver({
      ports,
      security: this.#security,
      credentials,
      streams,
      validator: this.#validator,
      shards: this.#shards,
      gossip: network.gossip,
      incarnationOf: (context) => members.incarnationOf(context),
      sync: (peer, message) => this.#sync.send(peer, message),
      deliver: (event) => this.#local.deliver(event),
      misbehaved: (peer, reason) => misconduct.seen(peer, reason),
      brought: (publisher, shard) => outside.brought(publisher, shard),
      isLinked: (peer) => this.#direct.isLinked(peer),
    })
    members.holdLinks((peer) => this.#direct.wasUsed(peer))
    members.holdLinks((peer) => outside.wasUsed(peer))
    network.gossip.validate((topic, bytes, from) => this.#receiver.judgeGossip(topic, bytes, from))
    network.streams.handle(DIRECT_PROTOCOL, (stream) => this.#direct.accept(stream), DIRECT_LIMITS)
  }

  get slowReceivers(): readonly ContextId[] {
    return [...this.#direct.links].filter((link) => link.isSlow).map((link) => link.peer)
  }

  get evidence(): Validator['evidence'] {
    return this.#validator.evidence
  }

  get lanes(): Pick<DirectLane, 'isOpen' | 'reach'> {
    return this.#direct
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'running'
    this.#unlisten = this.#members.onChange(() => this.#membersChanged())
    this.#membersChanged()
    if (this.#local.patterns.length > 0) await this.#announcing.now()
  }

  publish(event: AmcpEvent): undefined | Promise<void> {
    if (this.#state === 'stopped') throw stopped()
    const topic = event.subject
    this.#tokens.checkPublish(topic)
    const route = this.#routeOf(topic)
    if (route !== undefined) this.#send(route, event, topic)
    this.#local.deliver(event)
    if (route === undefined) return undefined
    for (let at = 0; at < route.length; at++) if (route[at]!.isFull) return roomIn(route)
    return undefined
  }

  async subscribe(pattern: string, deliver: Deliver): Promise<BrokerSubscription> {
    if (this.#state === 'stopped') throw stopped()
    const subscription = this.#local.subscribe(pattern, deliver)
    if (this.#state === 'running') await this.#announcing.latest
    return subscription
  }

  stop(options?: StopOptions): Promise<void> {
    this.#stopping ??= this.#stop(options)
    return this.#stopping
  }

  #routeOf(topic: string): Route | undefined {
    const lane = chooseLane(topic, this.#members, this.#options)
    if (lane === 'gossip') return this.#gossip.routeOf(shardOf(topic, this.#shards.count))
    return lane === undefined ? undefined : this.#direct.routeTo(lane)
  }

  #send(route: Route, event: AmcpEvent, topic: string): void {
    const token = this.#security.tokenOf(event.source)
    // Every receiver would refuse the whole frame for it, also what others published in this turn.
    if (token === undefined) throw foreign(event.source)
    const shard = shardOf(topic, this.#shards.count)
    const sequence = this.#sequences[shard]!
    this.#batcher.add(route, event, sequence, shard, token, isAgentTopic(topic))
    this.#sequences[shard] = sequence + 1
  }

  #membersChanged(): void {
    this.#shards.join(this.#members.relays.shards)
    const { present } = this.#members
    if (present === this.#present) return
    const before = new Set(this.#present)
    this.#present = present
    if (present.some((context) => !before.has(context))) this.#gossip.sendCredentialsAnew()
    const now = new Set(present)
    this.#direct
      .retain((peer) => now.has(peer))
      .catch((error: unknown) => {
        this.#ports.logger.debug({ error: String(error) }, 'a direct lane did not close cleanly')
        this.#ports.counters.add('broker.direct.close-failed')
      })
  }

  async #stop({ by = this.#ports.clock.monotonic() + STOP_MS }: StopOptions = {}): Promise<void> {
    const wasRunning = this.#state === 'running'
    this.#state = 'stopped'
    if (wasRunning) await this.#drain(by - CLOSE_MS)
    this.#unlisten?.()
    this.#receiver.stop()
    this.#shards.close()
    await Promise.all([this.#direct.close(by), this.#sync.stop(by)])
  }

  async #drain(by: number): Promise<void> {
    const { clock, counters, logger } = this.#ports
    this.#batcher.flushAll()
    if (await endedBy(clock, by, Promise.all([this.#direct.drained(), this.#gossip.drained()]))) return
    counters.add('broker.stop-undrained')
    logger.warn({}, 'stopped before everything was sent')
    this.#gossip.giveUp()
  }
}

async function roomIn(route: Route): Promise<void> {
  for (const outlet of route) while (outlet.isFull) await outlet.room()
}

const foreign = (source: string): AmcpError =>
  new AmcpError('ERR_EVENT_INVALID', `the event's source ${source} is no agent of this context`, {
    details: { attribute: 'source', reason: 'foreign' },
  })

const stopped = (): AmcpError => new AmcpError('ERR_STOPPED', 'the broker is stopped')
