import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeSync, encodeSync } from '../../src/broker/mesh/sync-messages.ts'
import { contextIdOf } from '../../src/core/ids.ts'
import { type FinishFields, FrameWriter } from '../../src/events/frame/frame-writer.ts'
import { EnvelopeWriter } from '../../src/events/frame/link-envelope.ts'
import { shardOf } from '../../src/events/shard.ts'
import { sourceOf } from '../../src/events/source.ts'
import { mintAgentId } from '../../src/identity/agent-id.ts'
import { issueAgentToken } from '../../src/identity/agent-token.ts'
import { type Credential, credentialOf } from '../../src/identity/credential.ts'
import { CreditLink } from '../../src/network/credit-link.ts'
import type { MessageStream } from '../../src/network/network.ts'
import { type Node, World } from '../unit/broker/world.ts'

const TOPIC = 'amcp.domain.hostile'

let world: World
let victim: Node
let villain: Node
let friend: Node

beforeEach(async () => {
  world = new World()
  const nodes = await world.grow(3)
  victim = nodes[0]!
  villain = nodes[1]!
  friend = nodes[2]!
  await world.pass(2_000)
})
afterEach(() => world.stop())

describe('a receiver on the direct lane', () => {
  let grants: MessageStream[] = []
  beforeEach(async () => {
    grants = []
    villain.network.streams.handle('/amcp/direct/1', (stream) => {
      grants.push(stream)
      new CreditLink(stream, villain.ports, { window: 10 })
    })
    await world.run(villain.listen('amcp.>'))
    await world.run(friend.listen('amcp.>'))
    await world.pass(2_000)
  })

  test('that grants less than a frame harms neither the publisher nor the other receivers', async () => {
    for (let n = 0; n < 50; n += 1) {
      victim.broker.publish(victim.event(TOPIC, n))
      await world.pass(20)
    }
    expect(friend.received.map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, n) => n))
    expect(grants.length).toBeLessThan(60)
  })

  test('that opened the stream itself and grants nothing to speak of cannot make the publisher throw', async () => {
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/direct/1'))
    new CreditLink(stream, villain.ports, { window: 10 })
    await world.pass(100)
    for (let n = 0; n < 5; n += 1) {
      victim.broker.publish(victim.event(TOPIC, n))
      await world.pass(20)
    }
    expect(friend.received.map(({ data }) => data)).toEqual([0, 1, 2, 3, 4])
    expect(victim.count('broker.direct.unfit-window')).toBe(5)
    expect(stream.isOpen).toBe(true)
  })
})

const SHARD = shardOf(TOPIC)
const gossipTopic = (): string => `amcp/1/${villain.identity.mesh.mesh}/s/0/${SHARD}`

interface Made {
  by?: Node
  subject?: string
  n?: number
  token?: Credential
  tokens?: readonly Uint8Array[]
  credentials?: readonly Uint8Array[]
}

/** A frame as its signer would make it, but for what is asked. */
function frameOf({ by = villain, subject = TOPIC, n = 0, token = by.tokens.tokenOf(by.agent), ...rest }: Made = {}) {
  const { crypto } = world
  const membership = credentialOf(crypto, by.identity.membership)
  const { credentials = [membership.bytes, token.bytes], tokens = [] } = rest
  const writer = new FrameWriter({ crypto })
  writer.add({ ...by.event(TOPIC, 'made'), subject }, n, SHARD, token.hash)
  for (const [at, hash] of tokens.entries()) writer.add({ ...by.event(TOPIC, 'more') }, n + at + 1, SHARD, hash)
  const fields: FinishFields = {
    meshHash: credentialOf(crypto, new TextEncoder().encode(by.identity.mesh.mesh)).hash,
    publisher: by.identity.key.publicKey,
    incarnation: by.members.incarnation,
    membershipHash: membership.hash,
    generation: 0,
    time: world.clock.now(),
    credentials,
    chain: { kind: 'gossip', n, predecessor: new Uint8Array(32) },
  }
  return writer.finish(fields, (digest) => by.identity.key.sign(digest))
}

describe('frames that ask for too much', () => {
  beforeEach(async () => {
    await world.run(victim.listen('amcp.>'))
    await world.pass(2_000)
  })

  const gossip = async (frame: Uint8Array): Promise<void> => {
    villain.network.gossip.publish(gossipTopic(), frame)
    await world.pass(50)
  }

  test('a frame that names more tokens than anybody has is malformed, and nobody is asked for them', async () => {
    const tokens = Array.from({ length: 600 }, (_, at) => new Uint8Array(new Uint32Array([at, 0, 0, 0]).buffer))
    await gossip(frameOf({ tokens }))
    expect(victim.count('broker.refused.structure')).toBe(1)
    expect(villain.count('broker.credential-unknown')).toBe(0)
  })

  test.each([['amcp.domain.>'], [`amcp.domain.${'x'.repeat(2_000)}`], ['amcp.domain.with blank']])(
    'a topic that is none is refused: %s',
    async (subject) => {
      await gossip(frameOf({ subject }))
      expect(victim.received).toEqual([])
      expect(victim.count('broker.refused.acl')).toBe(1)
    },
  )

  test('an envelope with more records than there are shards is refused as a whole', async () => {
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/direct/1'))
    const link = new CreditLink(stream, villain.ports)
    await world.pass(50)
    const envelope = new EnvelopeWriter()
    for (let at = 0; at < 17_000; at += 1) envelope.dropped(0, at, at)
    link.send(envelope.finish(false))
    await world.pass(50)
    expect(victim.count('broker.misbehaved')).toBe(1)
    expect(victim.count('broker.dropped-for-us')).toBe(0)
  })

  test('a peer that goes on with what nobody honest sends loses its link', async () => {
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/direct/1'))
    const link = new CreditLink(stream, villain.ports)
    await world.pass(50)
    for (let at = 0; at < 64; at += 1) link.send(Uint8Array.of(9, 9, 9))
    await world.pass(50)
    expect(victim.network.isConnected(villain.id)).toBe(true)
    link.send(Uint8Array.of(9, 9, 9))
    link.send(Uint8Array.of(9, 9, 9))
    await world.pass(50)
    expect(victim.network.isConnected(villain.id)).toBe(false)
    expect(victim.count('broker.cut-off')).toBe(1)
  })

  test('more empty credentials than a frame can use are refused before anything is made of them', async () => {
    await gossip(frameOf({ credentials: Array.from({ length: 1_000 }, () => new Uint8Array(0)) }))
    expect(victim.count('broker.refused.structure')).toBe(1)
  })

  test('data too deep to be written is its publisher’s own fault, and the next event goes on', async () => {
    await world.run(friend.listen('amcp.>'))
    await world.pass(2_000)
    let deep: unknown[] = []
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep]
    expect(() => victim.broker.publish(victim.event(TOPIC, deep))).toThrow()
    victim.broker.publish(victim.event(TOPIC, 'shallow'))
    await world.pass(100)
    expect(friend.received.map(({ data }) => data)).toEqual(['shallow'])
  })

  test('tokens of a key that is no member are not verified, nor kept for it', async () => {
    const stranger = world.crypto.signingKey(new Uint8Array(32).fill(77))
    const id = contextIdOf(stranger.publicKey)
    const agent = mintAgentId(world.crypto, stranger.publicKey, 'test', 'x')
    const bytes = issueAgentToken(stranger, id, {
      ...{ agent, mesh: villain.identity.mesh.mesh, roles: [], publish: ['amcp.>'], epoch: 0, custody: undefined },
      expiresAt: Math.floor(world.clock.now() / 1_000) + 300,
    })
    const token = credentialOf(world.crypto, bytes)
    const writer = new FrameWriter({ crypto: world.crypto })
    writer.add({ ...villain.event(TOPIC, 'x'), source: sourceOf(id, agent) }, 0, SHARD, token.hash)
    const frame = writer.finish(
      {
        meshHash: credentialOf(world.crypto, new TextEncoder().encode(villain.identity.mesh.mesh)).hash,
        publisher: stranger.publicKey,
        incarnation: new Uint8Array(16),
        membershipHash: new Uint8Array(16).fill(1),
        generation: 0,
        time: world.clock.now(),
        credentials: [token.bytes],
        chain: { kind: 'gossip', n: 0, predecessor: new Uint8Array(32) },
      },
      (digest) => stranger.sign(digest),
    )
    const asked: number[] = []
    villain.network.streams.handle('/amcp/sync/1', (stream) => {
      stream.onMessage((message) => {
        const want = decodeSync(message)
        if (want.kind === 'want') asked.push(want.hashes.length)
      })
    })
    await gossip(frame)
    expect(victim.count('broker.parked')).toBe(1)
    // The membership alone: the token is in the frame, and is looked at once its signer is known to be a member.
    expect(new Set(asked)).toEqual(new Set([1]))
    expect(victim.count('broker.credential-invalid')).toBe(0)
  })

  test('a frame that names the token of somebody else does not keep that one’s frame from it', async () => {
    world.mesh.areMembershipsTold = false
    const token = friend.tokens.tokenOf(friend.agent)
    const sync = await world.run(villain.network.streams.open(victim.id, '/amcp/sync/1'))
    const membership = credentialOf(world.crypto, friend.identity.membership)
    // As if the villain were the only one who had brought the friend's frame, after he claimed its token for himself.
    sync.send(
      encodeSync({ kind: 'push', shard: SHARD, frame: frameOf({ token, credentials: [villain.identity.membership] }) }),
    )
    sync.send(
      encodeSync({ kind: 'push', shard: SHARD, frame: frameOf({ by: friend, credentials: [membership.bytes] }) }),
    )
    await world.pass(10)
    expect(victim.count('broker.parked')).toBe(2)
    sync.send(encodeSync({ kind: 'credentials', credentials: [token.bytes] }))
    await world.pass(50)
    expect(victim.received.map(({ source }) => source)).toEqual([sourceOf(friend.id, friend.agent)])
  })

  test('a credential that its bringer withholds is asked of others', async () => {
    world.mesh.areMembershipsTold = false
    friend.broker.publish(friend.event('amcp.other.topic'))
    await world.pass(100)
    const fresh = await world.node()
    for (const node of [villain, friend]) await world.link(fresh, node)
    villain.network.streams.handle('/amcp/sync/1', (stream) => stream.onMessage(() => {}))
    await world.run(fresh.listen(TOPIC))
    await world.run(friend.listen(TOPIC))
    await world.pass(3_000)
    const sync = await world.run(villain.network.streams.open(fresh.id, '/amcp/sync/1'))
    sync.send(encodeSync({ kind: 'push', shard: SHARD, frame: frameOf({ by: friend, credentials: [] }) }))
    await world.pass(300)
    expect(fresh.received).toEqual([])
    await world.pass(300)
    expect(fresh.received.map(({ source }) => source)).toEqual([sourceOf(friend.id, friend.agent)])
  })
})
