import { LocalDelivery } from '../../src/broker/local-delivery.ts'
import { frameSecurity } from '../../src/broker/mesh/frame-security.ts'
import { KnownCredentials } from '../../src/broker/mesh/known-credentials.ts'
import { ReceivedStreams } from '../../src/broker/mesh/received-streams.ts'
import { Receiver } from '../../src/broker/mesh/receiver.ts'
import { Shards } from '../../src/broker/mesh/shards.ts'
import { Validator } from '../../src/broker/mesh/validator.ts'
import { Counters } from '../../src/core/counters.ts'
import type { AmcpError } from '../../src/core/errors.ts'
import type { AgentId } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import type { Ports } from '../../src/core/ports.ts'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'
import type { AmcpEvent } from '../../src/events/event.ts'
import { DEFAULT_SHARD_COUNT } from '../../src/events/shard.ts'
import { sourceOf } from '../../src/events/source.ts'
import { mintAgentId } from '../../src/identity/agent-id.ts'
import { type ContextIdentity, foundMemoryMesh } from '../../src/identity/context-identity.ts'
import { SecurityManager } from '../../src/identity/security-manager.ts'
import { simulatedSwarm } from '../../src/network/simulated/swarm.ts'

/** What came out for one frame. */
export type Outcome = 'passed' | 'refused' | 'parked' | 'not parked'

/**
 * The receiving half of a mesh broker, put together as the broker does, with the memberships of a real mesh: frames are
 * handed to it one by one, without a network that would keep doubles away or end the link to whoever sends such frames.
 */
export class FuzzedReceiver {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: SeededRandom
  readonly counters: Counters = new Counters()
  /** A member that may publish what it likes, and knows how to sign. */
  readonly villain: ContextIdentity
  readonly tokens: SecurityManager
  readonly agent: AgentId
  /** The only one that events may be delivered with. */
  readonly source: string
  readonly victim: ContextIdentity
  readonly ports: Ports
  delivered = 0
  /** Anything that was handed to a subscriber in the name of somebody else than the villain's agent. */
  foreign = 0
  /** Of those delivered: the data is no JSON, which its reader is told. */
  unreadable = 0
  misbehaved = 0
  readonly #receiver: Receiver
  readonly #shards: Shards

  constructor(seed: number) {
    const { clock, counters } = this
    this.random = new SeededRandom(seed)
    const crypto = nodeCrypto()
    this.ports = { clock, counters, crypto, random: this.random.fork('ports'), logger: silentLogger }
    const { ports } = this
    const mesh = foundMemoryMesh({ clock, crypto, random: this.random.fork('root') })
    this.villain = mesh.member()
    this.victim = mesh.member()
    this.tokens = this.#tokensOf(this.villain)
    this.agent = mintAgentId(crypto, this.villain.key.publicKey, 'test', 'one')
    this.source = sourceOf(this.villain.id, this.agent)
    const own = this.victim
    const { gossip } = simulatedSwarm({ clock, random: this.random.fork('swarm'), crypto }).network(own.seed)
    const security = frameSecurity({ ports, identity: own, tokens: this.#tokensOf(own) })
    const shardCount = DEFAULT_SHARD_COUNT
    const credentials = new KnownCredentials(ports, security, shardCount)
    const streams = new ReceivedStreams(clock, shardCount)
    this.#shards = new Shards(gossip, clock, security.mesh, shardCount)
    const { villain } = this
    const membershipOf = (context: string): Uint8Array | undefined =>
      context === villain.id ? villain.membership : undefined
    const local = new LocalDelivery(ports)
    local.subscribe('amcp.>', (event) => this.#read(event))
    this.#receiver = new Receiver({
      ...{ ports, security, credentials, streams, gossip, shards: this.#shards },
      validator: new Validator({ ports, self: own.id, security, credentials, streams, shardCount, membershipOf }),
      incarnationOf: () => undefined,
      sync: () => {},
      deliver: (event) => local.deliver(event),
      misbehaved: () => {
        this.misbehaved += 1
      },
      brought: () => {},
      isLinked: () => false,
    })
  }

  gossip(shard: number, frame: Uint8Array): Outcome {
    let isAccepted = false
    const outcome = this.#outcomeOf(() => {
      isAccepted = this.#receiver.judgeGossip(this.#shards.topicOf(shard), frame, this.villain.id) === 'accept'
    })
    if (isAccepted !== (outcome === 'passed')) throw new Error(`accepted: ${isAccepted}, but counted as ${outcome}`)
    return outcome
  }

  direct(message: Uint8Array): Outcome {
    return this.#outcomeOf(() => this.#receiver.takeDirect(this.villain.id, message))
  }

  /** Frames refused for a reason; single events of a frame that is right are not among them. */
  get refusals(): Record<string, number> {
    const prefix = 'broker.refused.'
    const all = Object.entries(this.counters.snapshot()).filter(([name]) => name.startsWith(prefix))
    return Object.fromEntries(
      all.map(([name, count]) => [name.slice(prefix.length), count] as const).filter(([name]) => name !== 'reserved'),
    )
  }

  get refused(): number {
    return Object.values(this.refusals).reduce((sum, count) => sum + count, 0)
  }

  stop(): void {
    this.#receiver.stop()
  }

  /** As a subscriber that looks at everything. Data is the one thing that is read only now. */
  #read(event: AmcpEvent): void {
    this.delivered += 1
    if (event.source !== this.source) this.foreign += 1
    try {
      JSON.stringify(event)
    } catch (error) {
      if ((error as AmcpError).code !== 'ERR_EVENT_INVALID') throw error
      this.unreadable += 1
    }
  }

  #tokensOf({ id, key, mesh: { mesh } }: ContextIdentity): SecurityManager {
    const membership = { mesh, roles: ['agent'], publish: ['amcp.>'] }
    return new SecurityManager({ ports: this.ports, context: id, key, membership })
  }

  /** By the counters alone; a frame that is in none of them has passed. */
  #outcomeOf(act: () => void): Outcome {
    const before = { refused: this.refused, parked: this.#count('parked'), full: this.#count('parking-full') }
    act()
    const refused = this.refused - before.refused
    const parked = this.#count('parked') - before.parked
    const full = this.#count('parking-full') - before.full
    if (refused + parked + full > 1) throw new Error(`counted ${refused + parked + full} times`)
    return refused > 0 ? 'refused' : parked > 0 ? 'parked' : full > 0 ? 'not parked' : 'passed'
  }

  #count(name: string): number {
    return this.counters.get(`broker.${name}`)
  }
}
