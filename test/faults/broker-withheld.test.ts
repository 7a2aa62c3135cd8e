import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encodeSync } from '../../src/broker/mesh/sync-messages.ts'
import { sourceOf } from '../../src/events/source.ts'
import { mintAgentId } from '../../src/identity/agent-id.ts'
import { type Node, World } from '../unit/broker/world.ts'
import {
  forge,
  gossip,
  gossipTopic,
  meetVillain,
  meetVillainAlongLine,
  SHARD,
  TOPIC,
  tokenWith,
  victim,
  villain,
  world,
} from './hostile-member.ts'

beforeEach(meetVillain)
afterEach(() => world.stop())

describe('credentials that did not travel with the frame', () => {
  test('are asked of the forwarder by hash; then the frame is delivered', async () => {
    world.mesh.areMembershipsTold = false
    // The villain's own broker answers for the token that it issued.
    await villain.broker.publish(villain.event('amcp.other'))
    await world.pass(100)
    victim.received.length = 0
    const fresh = await world.node()
    await world.link(fresh, villain)
    await world.run(fresh.listen(TOPIC))
    await world.pass(2_000)
    await gossip(forge({ withhold: true }))
    expect(fresh.received.map(({ data }) => data)).toEqual(['evil'])
    expect(fresh.count('broker.parked')).toBe(1)
  })

  test('a frame that gossip did not pass on is pushed to the neighbours, along a line', async () => {
    const line = new World({ topology: 'line' })
    try {
      const nodes: Node[] = []
      for (let at = 0; at < 4; at += 1) {
        const node = await line.node({ lane: 'gossip' })
        if (at > 0) await line.link(node, nodes[at - 1]!)
        nodes.push(node)
      }
      line.mesh.areMembershipsTold = false
      line.mesh.isKnown = false
      await line.run(nodes[3]!.listen('amcp.domain.line'))
      await line.pass(3_000)
      const [first] = nodes
      await first!.broker.publish(first!.event('amcp.domain.line', 'in full'))
      await line.pass(500)
      const late = await line.node({ lane: 'gossip' })
      await line.link(late, nodes[3]!)
      await line.run(late.listen('amcp.domain.line'))
      await line.pass(3_000)
      expect(nodes[3]!.received.map(({ data }) => data)).toEqual(['in full'])
      await first!.broker.publish(first!.event('amcp.domain.line', 'once more'))
      await line.pass(1_000)
      expect(nodes[3]!.received.map(({ data }) => data)).toEqual(['in full', 'once more'])
      expect(late.received.map(({ data }) => data)).toEqual(['once more'])
      // Since somebody new was there, the credentials travelled in full again.
      expect(late.count('broker.parked')).toBe(0)
    } finally {
      await line.stop()
    }
  })

  test('a parked frame goes from neighbour to neighbour along a line, once it could be judged', async () => {
    const nodes = await meetVillainAlongLine(4)
    world.mesh.areMembershipsTold = false
    for (const node of nodes.slice(1)) await world.run(node.listen('amcp.>'))
    await world.pass(3_000)
    // The villain's own broker can answer for the token.
    villain.broker.publish(villain.event('amcp.agentless'))
    await world.pass(100)
    await gossip(forge({ withhold: true, event: { subject: TOPIC } }))
    await world.pass(1_000)
    for (const node of nodes.slice(1))
      expect(node.received.filter(({ subject }) => subject === TOPIC).map(({ data }) => data)).toEqual(['evil'])
  })

  test('successors do not overtake a frame that waits for its credentials', async () => {
    const agent = mintAgentId(world.crypto, villain.identity.key.publicKey, 'test', 'second')
    const source = sourceOf(villain.id, agent)
    const withheld = { ...tokenWith({ agent, expiresAt: Math.floor(world.clock.now() / 1_000) + 77 }) }
    const first = forge({ n: 0, token: withheld, withhold: true, event: { source, data: 'first' } })
    const predecessor = world.crypto.sha256(first.subarray(0, 194))
    const second = forge({ n: 1, predecessor, event: { data: 'second' } })
    villain.network.gossip.publish(gossipTopic(), first)
    villain.network.gossip.publish(gossipTopic(), second)
    await world.pass(5)
    expect(victim.received).toEqual([])
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/sync/1'))
    stream.send(encodeSync({ kind: 'credentials', credentials: [withheld.bytes] }))
    await world.pass(50)
    expect(victim.received.map(({ data }) => data)).toEqual(['first', 'second'])
  })
})

describe('a frame that waits for its credentials', () => {
  test('is not old because its chain went on meanwhile', async () => {
    const withheld = tokenWith({ expiresAt: Math.floor(world.clock.now() / 1_000) + 77 })
    let frame = forge({ n: 0, token: withheld, withhold: true })
    villain.network.gossip.publish(gossipTopic(), frame)
    for (let n = 1; n < 50; n += 1) {
      frame = forge({ n, predecessor: world.crypto.sha256(frame.subarray(0, 194)) })
      villain.network.gossip.publish(gossipTopic(), frame)
    }
    await world.pass(50)
    expect(victim.received).toEqual([])
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/sync/1'))
    stream.send(encodeSync({ kind: 'credentials', credentials: [withheld.bytes] }))
    await world.pass(50)
    expect(victim.received.map(({ sequence }) => Number(sequence))).toEqual(Array.from({ length: 50 }, (_, n) => n))
  })
})

describe('a hostile peer on /amcp/sync/1', () => {
  test('loses its stream for a malformed message, and gets nothing that it did not name', async () => {
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/sync/1'))
    stream.send(Uint8Array.of(77))
    await world.pass(50)
    expect(victim.count('broker.sync-invalid')).toBe(1)
    expect(stream.isOpen).toBe(false)
  })

  test('cannot plant credentials that nobody asked for, nor push into shards that do not exist', async () => {
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/sync/1'))
    stream.send(encodeSync({ kind: 'credentials', credentials: [tokenWith({}).bytes] }))
    stream.send(encodeSync({ kind: 'push', shard: 64, frame: forge() }))
    stream.send(encodeSync({ kind: 'want', hashes: [new Uint8Array(16)] }))
    await world.pass(50)
    expect(victim.count('broker.credential-unwanted')).toBe(1)
    expect(victim.count('broker.refused.topic')).toBe(1)
    expect(victim.count('broker.credential-unknown')).toBe(1)
    stream.send(encodeSync({ kind: 'push', shard: SHARD, frame: forge() }))
    await world.pass(50)
    expect(victim.received.length).toBe(1)
  })
})
