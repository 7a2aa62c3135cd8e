import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import type { EventBroker } from '../../src/broker/event-broker.ts'
import { type MeshBroker, type MeshBrokerOptions, meshBroker } from '../../src/broker/mesh/mesh-broker.ts'
import type { Ports } from '../../src/core/ports.ts'
import { sourceOf } from '../../src/events/source.ts'
import { isMintedBy, mintAgentId } from '../../src/identity/agent-id.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'
import { SecurityManager } from '../../src/identity/security-manager.ts'
import type { Network } from '../../src/network/network.ts'
import { brokerConformance, type OpenBroker } from '../../src/testing/broker.ts'
import { type FakeMember, FakeMesh } from '../unit/broker/fake-members.ts'
import { eventOf } from '../unit/broker/world.ts'
import { type Libp2pMesh, openLibp2p } from './libp2p-mesh.ts'

interface Real extends AsyncDisposable {
  readonly libp2p: Libp2pMesh
  readonly brokers: readonly MeshBroker[]
  event(at: number, topic: string, data?: unknown): ReturnType<typeof eventOf>
}

/** Two mesh brokers on real sockets; who is a member and listens is known to both at once. */
async function open(options: MeshBrokerOptions): Promise<Real> {
  const seeds: Uint8Array[] = []
  const libp2p = await openLibp2p(2, (at) => {
    seeds.push(new Uint8Array(32).fill(at + 1))
    return { seed: seeds[at]! }
  })
  const [first] = libp2p.ports as [Ports, Ports]
  const mesh = new FakeMesh()
  const trust = foundMemoryMesh(first)
  const agents: string[] = []
  const brokers = libp2p.networks.map((network, at) => {
    const ports = libp2p.ports[at]!
    const identity = trust.member(seeds[at]!)
    const { id, key, membership } = identity
    const incarnation = ports.random.bytes(16)
    const hosts: FakeMember['hosts'] = (agent) => isMintedBy(ports.crypto, agent, key.publicKey)
    const members = mesh.join({ id, incarnation, membership, hosts, network })
    const grants = { mesh: trust.description.mesh, roles: [], publish: ['amcp.>'] }
    const tokens = new SecurityManager({ ports, context: id, key, membership: grants })
    agents.push(sourceOf(id, mintAgentId(ports.crypto, key.publicKey, 'test', 'one')))
    return meshBroker({ ports, network, members, identity, tokens }, options)
  })
  const [one, other] = libp2p.networks as [Network, Network]
  await one.start()
  await other.start()
  for (const broker of brokers) await broker.start()
  await one.dial(other.addresses[0]!)
  await libp2p.until(() => other.isConnected(one.id), 'both ends see the link')
  one.admit(other.id)
  other.admit(one.id)
  return {
    ...{ libp2p, brokers },
    event: (at, topic, data = null) => eventOf(first, agents[at]!, topic, data),
    async [Symbol.asyncDispose]() {
      await Promise.all(brokers.map((broker) => broker.stop()))
      await libp2p[Symbol.asyncDispose]()
    },
  }
}

const openSuite = (options: MeshBrokerOptions) => async (): Promise<OpenBroker> => {
  const real = await open(options)
  const [one, other] = real.brokers as [MeshBroker, MeshBroker]
  const [network] = real.libp2p.networks as [Network]
  const { gossip } = network
  let marks = 0
  const subscriber: EventBroker = {
    start: () => other.start(),
    stop: () => other.stop(),
    publish: (event) => other.publish(event),
    async subscribe(pattern, deliver) {
      const subscription = await other.subscribe(pattern, deliver)
      // With real members, `subscribe` waits for this itself.
      await real.libp2p.until(
        () => gossip.topics.every((topic) => gossip.subscribers(topic).length > 0),
        'the other end has joined the shards',
      )
      return subscription
    },
  }
  return {
    publisher: one,
    subscriber,
    event: (topic, data) => real.event(0, topic, data),
    /** A mark behind everything, in each shard that the suite uses, on a topic it does not use: order brings it last. */
    async settle() {
      const ends = ['a.mark', 'bytes.mark', 'x', 'y', 'z.mark', 'o', 'order', 'gone.mark', 'throw.mark', 'nobody.mark']
      const topics = ends.map((end) => `amcp.domain.${end}`)
      for (const topic of topics) {
        const mark = `mark ${marks++}`
        let isBack = false
        const marked = await subscriber.subscribe(topic, (event) => {
          if (event.data === mark) isBack = true
        })
        await one.publish(real.event(0, topic, mark))
        await real.libp2p.until(() => isBack, `the mark of ${topic}`)
        marked.unsubscribe()
      }
    },
    [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
  }
}

describe('mesh broker over libp2p', () => {
  test('fifty thousand events on a direct lane arrive once and in order', async () => {
    await using real = await open({})
    const [one, other] = real.brokers as [MeshBroker, MeshBroker]
    const received: unknown[] = []
    await other.subscribe('amcp.domain.>', (event) => received.push(event.data))
    const count = 50_000
    for (let n = 0; n < count; n += 1) {
      const room = one.publish(real.event(0, `amcp.domain.fast.${n % 10}`, n))
      if (room !== undefined) await room
    }
    await real.libp2p.until(() => received.length >= count, 'everything has come')
    assert.deepEqual(
      received,
      Array.from({ length: count }, (_, n) => n),
    )
  })

  test('stop sends what was published before', async () => {
    await using real = await open({})
    const [one, other] = real.brokers as [MeshBroker, MeshBroker]
    let received = 0
    await other.subscribe('amcp.domain.>', () => {
      received += 1
    })
    for (let n = 0; n < 5_000; n += 1) {
      const room = one.publish(real.event(0, 'amcp.domain.last', n))
      if (room !== undefined) await room
    }
    await one.stop()
    await real.libp2p.until(() => received === 5_000, 'everything has come')
  })
})

brokerConformance('mesh over libp2p, direct', { describe, test, open: openSuite({ lane: 'direct' }) })
brokerConformance('mesh over libp2p, gossip', { describe, test, open: openSuite({ lane: 'gossip' }) })
