import { type MeshBroker, type MeshBrokerOptions, meshBroker } from '../../../src/broker/mesh/mesh-broker.ts'
import { Counters } from '../../../src/core/counters.ts'
import type { AgentId, ContextId } from '../../../src/core/ids.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import type { Ports } from '../../../src/core/ports.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { sourceOf } from '../../../src/events/source.ts'
import { isMintedBy, mintAgentId } from '../../../src/identity/agent-id.ts'
import { type ContextIdentity, foundMemoryMesh, type Grant } from '../../../src/identity/context-identity.ts'
import { SecurityManager } from '../../../src/identity/security-manager.ts'
import type { Network } from '../../../src/network/network.ts'
import type { SwarmOptions } from '../../../src/network/simulated/swarm.ts'
import { simulatedSwarm } from '../../../src/network/simulated/swarm.ts'
import { MortalClock } from '../../../src/sim/mortal-clock.ts'
import { type FakeMembers, FakeMesh } from './fake-members.ts'

export interface Node {
  readonly id: ContextId
  readonly identity: ContextIdentity
  readonly ports: Ports
  readonly network: Network
  readonly members: FakeMembers
  readonly broker: MeshBroker
  readonly tokens: SecurityManager
  /** An agent of this context, and the source of its events. */
  readonly agent: AgentId
  readonly received: AmcpEvent[]
  event(topic: string, data?: unknown): AmcpEvent
  /** Subscribes; what comes is in `received`. */
  listen(pattern: string): Promise<void>
  count(name: string): number
  /** As with `kill -9`. The mesh knows at once that it has left. */
  crash(): void
  /** The same context again after a crash, with nothing remembered and no links. */
  restart(): Promise<Node>
}

/** Contexts with mesh brokers on the simulated network, with members that know what the test lets them know. */
export class World {
  readonly clock = new VirtualClock()
  readonly random = new SeededRandom(11)
  readonly crypto = nodeCrypto()
  readonly mesh = new FakeMesh()
  readonly trust = foundMemoryMesh({ clock: this.clock, crypto: this.crypto, random: this.random.fork('root') })
  readonly swarm
  readonly nodes: Node[] = []

  constructor(options: Partial<SwarmOptions> = {}) {
    const { clock, random, crypto } = this
    this.swarm = simulatedSwarm({ clock, random: random.fork('swarm'), crypto, ...options })
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.runFor(work)
  }

  pass(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  /**
   * A context that is not linked to anybody yet.
   * @param believed what its own library takes for its rights, and gives its agents' tokens
   */
  async node(
    options: MeshBrokerOptions = {},
    grant: Grant = {},
    believed: readonly string[] = ['amcp.>'],
  ): Promise<Node> {
    const random = this.random.fork(`node ${this.nodes.length}`)
    return this.#start(this.trust.member(random.bytes(32), grant), random, options, believed)
  }

  async #start(
    identity: ContextIdentity,
    random: SeededRandom,
    options: MeshBrokerOptions,
    believed: readonly string[],
  ): Promise<Node> {
    const { crypto, trust } = this
    const clock = new MortalClock(this.clock)
    const counters = new Counters()
    const ports: Ports = { clock, crypto, random, logger: silentLogger, counters }
    const network = this.swarm.network(identity.seed, { counters })
    const incarnation = random.bytes(16)
    const { id, key, membership } = identity
    const members = this.mesh.join({
      id,
      incarnation,
      membership,
      network,
      hosts: (agent) => isMintedBy(crypto, agent, key.publicKey),
    })
    const grants = { mesh: trust.description.mesh, roles: ['agent'], publish: believed }
    const tokens = new SecurityManager({ ports, context: id, key, membership: grants })
    const broker = meshBroker({ ports, network, members, identity, tokens }, options)
    const agent = mintAgentId(crypto, key.publicKey, 'test', 'one')
    const received: AmcpEvent[] = []
    const node: Node = {
      ...{ id, identity, ports, network, members, broker, tokens, agent, received },
      event: (topic, data = null) => eventOf(ports, sourceOf(id, agent), topic, data),
      listen: async (pattern) => void (await broker.subscribe(pattern, (event) => received.push(event))),
      count: (name) => counters.get(name),
      crash: () => {
        clock.die()
        this.swarm.crash(id)
        this.nodes.splice(this.nodes.indexOf(node), 1)
        this.mesh.leave(id)
      },
      restart: () => this.#start(identity, random, options, believed),
    }
    this.nodes.push(node)
    await this.run(network.start())
    await this.run(broker.start())
    return node
  }

  /** Links two contexts and admits each at the other. */
  async link(one: Node, other: Node): Promise<void> {
    await this.run(one.network.dial(other.network.addresses[0]!))
    one.network.admit(other.id)
    other.network.admit(one.id)
    await this.pass(100)
  }

  /** A full mesh, every context with the same options. */
  async grow(count: number, options: MeshBrokerOptions = {}): Promise<Node[]> {
    const nodes: Node[] = []
    for (let at = 0; at < count; at++) {
      const node = await this.node(options)
      for (const other of nodes) await this.link(node, other)
      nodes.push(node)
    }
    await this.pass(2_000)
    return nodes
  }

  async stop(): Promise<void> {
    await this.run(Promise.all(this.nodes.map(({ broker }) => broker.stop())))
    await this.run(Promise.all(this.nodes.map(({ network }) => network.stop())))
  }
}

export function eventOf(
  ports: Pick<Ports, 'clock' | 'random'>,
  source: string,
  topic: string,
  data: unknown,
): AmcpEvent {
  return {
    specversion: '1.0',
    id: ports.random.uuid(),
    source,
    type: 'amcp.domain.event',
    subject: topic,
    time: new Date(ports.clock.now()).toISOString(),
    datacontenttype: 'application/json',
    data,
  }
}
