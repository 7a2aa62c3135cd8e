import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { encodeSync } from '../../src/broker/mesh/sync-messages.ts'
import type { AmcpEvent } from '../../src/events/event.ts'
import { FrameWriter } from '../../src/events/frame/frame-writer.ts'
import { EnvelopeWriter } from '../../src/events/frame/link-envelope.ts'
import { shardOf } from '../../src/events/shard.ts'
import { sourceOf } from '../../src/events/source.ts'
import { mintAgentId } from '../../src/identity/agent-id.ts'
import { credentialOf } from '../../src/identity/credential.ts'
import { CreditLink } from '../../src/network/credit-link.ts'
import { mutate, seal } from '../../src/testing/frame-fuzz.ts'
import {
  forge,
  gossip,
  gossipTopic,
  headerOf,
  meetVillain,
  SHARD,
  sign,
  TOPIC,
  tokenWith,
  victim,
  villain,
  world,
} from './hostile-member.ts'

beforeEach(meetVillain)
afterEach(() => world.stop())

describe('a hostile member on gossip', () => {
  test('gets what is right delivered, so that the refusals below mean something', async () => {
    await gossip(forge())
    expect(victim.received.map(({ data }) => data)).toEqual(['evil'])
  })

  const other = new Uint8Array(16).fill(5)
  const refusals: [string, string, () => Uint8Array][] = [
    ['a frame above the size limit', 'size', () => new Uint8Array(1_048_577)],
    ['bytes that are no frame', 'structure', () => new Uint8Array(200)],
    ['an unsigned frame', 'structure', () => forge({ unsigned: true })],
    ['another generation of shards', 'structure', () => forge({ generation: 7 })],
    ['a frame of another mesh', 'mesh', () => forge({ meshHash: other })],
    ['an acknowledged frame, which no version of this protocol sends yet', 'mode', () => forge({ acknowledged: true })],
    ['a restricted read class', 'read-class', () => forge({ readClass: other })],
    ['a wrong signature', 'signature', () => forge({ signer: () => new Uint8Array(64) })],
    ['a time long past', 'time', () => forge({ time: world.clock.now() - 120_001 })],
    ['a time to come', 'time', () => forge({ time: world.clock.now() + 31_000 })],
    [
      'more credentials than anybody needs',
      'structure',
      () => forge({ credentials: Array.from({ length: 600 }, () => new Uint8Array(1)) }),
    ],
    ['an extension that would shadow the source', 'structure', () => forge({ extensionNamed: 'source' })],
    ['an extension with a name that none can have', 'structure', () => forge({ extensionNamed: 'SOURCE' })],
    ['an event without a token', 'token', () => forge({ noToken: true })],
    ['a token that has expired', 'token', () => forge({ token: tokenWith({ expiresAt: 1 }) })],
    [
      'a token in the place of the membership',
      'membership',
      () => forge({ membershipHash: tokenWith({}).hash, token: tokenWith({}) }),
    ],
    [
      'the membership in the place of the token',
      'token',
      () => forge({ token: credentialOf(world.crypto, villain.identity.membership) }),
    ],
    ['a later epoch than any', 'epoch', () => forge({ token: tokenWith({ epoch: 1 }) })],
    ['a topic outside of the token', 'acl', () => forge({ token: tokenWith({ publish: ['amcp.domain.allowed'] }) })],
    ['a topic of another shard', 'shard', () => forge({ event: { subject: 'amcp.domain.elsewhere' } })],
    [
      'an event in the name of another agent',
      'source',
      () =>
        forge({
          event: { source: sourceOf(villain.id, mintAgentId(world.crypto, villain.identity.key.publicKey, 't', 'x')) },
        }),
    ],
    [
      'an event in the name of another context',
      'source',
      () => forge({ event: { source: sourceOf(victim.id, villain.agent) } }),
    ],
    [
      'a token for an agent that only somebody else can have made',
      'source',
      () => forge({ token: tokenWith({ agent: victim.agent }), event: { source: sourceOf(villain.id, victim.agent) } }),
    ],
  ]
  test.each(refusals)('%s is refused as %s', async (_, reason, frame) => {
    await gossip(frame())
    expect(victim.received).toEqual([])
    expect(victim.count(`broker.refused.${reason}`)).toBe(1)
  })

  const malformed: [string, string, Partial<AmcpEvent>][] = [
    ['an id that is no UUID', 'id', { id: 'x' }],
    ['an id of a version that there is not', 'id', { id: '0189f7a2-5c1e-0a3b-8f00-1234567890ab' }],
    ['an id of another variant', 'id', { id: '0189f7a2-5c1e-7a3b-cf00-1234567890ab' }],
    ['no type', 'type', { type: '' }],
    ['a type that nobody registered', 'type', { type: 'com.example.event' }],
    ['a type without end', 'type', { type: `amcp.domain.${'x'.repeat(1_024)}` }],
    ['a time that is none', 'time', { time: 'now' }],
    ['an expiry that is no time', 'expirytime', { expirytime: 'whenever' }],
    ['a sequence that is no number', 'sequence', { sequence: 'first' }],
    ['a priority above 9', 'priority', { priority: 10 }],
    ['a trace that is none', 'traceparent', { traceparent: 'abc' }],
    ['a trace of zeros', 'traceparent', { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00` }],
    ['a trace without a span', 'traceparent', { traceparent: `00-${'a'.repeat(32)}-${'0'.repeat(16)}-00` }],
    ['a trace of a version to come', 'traceparent', { traceparent: `01-${'a'.repeat(32)}-${'b'.repeat(16)}-00` }],
    ['an answer to no topic', 'replyto', { replyto: 'amcp..x' }],
    ['an empty correlation id', 'correlationid', { correlationid: '' }],
    ['an empty cause', 'causationid', { causationid: '' }],
    ['an empty key', 'partitionkey', { partitionkey: '' }],
    ['bytes that call themselves JSON', 'datacontenttype', { data: new Uint8Array(2) }],
    ['bytes that call themselves JSON in a trace', 'datacontenttype', { data: new Uint8Array(2), priority: 1 }],
    ['a media type that is none', 'datacontenttype', { datacontenttype: 'x', data: new Uint8Array(2) }],
    ['no data', 'data', { data: undefined }],
    ['an empty extension', 'extensions', { extensions: { empty: '' } }],
  ]
  test.each(malformed)('an event with %s is dropped alone, counted as its %s (EV-1)', async (_, attribute, event) => {
    const link = new CreditLink(
      await world.run(villain.network.streams.open(victim.id, '/amcp/direct/1')),
      villain.ports,
    )
    await world.pass(50)
    const { crypto } = world
    const writer = new FrameWriter({ crypto })
    const token = villain.tokens.tokenOf(villain.agent)
    for (const [n, one] of [villain.event(TOPIC, 'before'), { ...villain.event(TOPIC, 'bad'), ...event }].entries())
      writer.add(one, n, SHARD, token?.hash)
    writer.add(villain.event(TOPIC, 'after'), 2, SHARD, token?.hash)
    const frame = writer.finish(headerOf(token!))
    link.send(new EnvelopeWriter().previous(SHARD, -1).finish(true), frame)
    await world.pass(50)
    expect(victim.received.map(({ data }) => data)).toEqual(['before', 'after'])
    expect(victim.count(`broker.malformed.${attribute}`)).toBe(1)
    expect(victim.count('broker.misbehaved')).toBe(0)
  })

  test('a frame in the wrong shard is refused', async () => {
    villain.network.gossip.subscribe(gossipTopic(SHARD ^ 1))
    await gossip(forge(), SHARD ^ 1)
    expect(victim.count('broker.refused.structure')).toBe(1)
  })

  test('a credential that is forged counts for nothing, so the frame is parked and asked for in vain', async () => {
    const forged = tokenWith({}, world.crypto.signingKey(new Uint8Array(32).fill(9)))
    await gossip(forge({ token: forged }))
    expect(victim.received).toEqual([])
    expect(victim.count('broker.credential-invalid')).toBeGreaterThan(0)
    expect(villain.count('broker.credential-unknown')).toBeGreaterThan(0)
    await world.pass(2_000)
    expect(victim.count('broker.parking-expired')).toBe(1)
    // Who passes a frame on has validated it, so it could have produced what was asked for.
    expect(victim.count('broker.misbehaved')).toBe(1)
  })

  test('a frame with events of shards that there are not is malformed, before it may wait for anything', async () => {
    const writer = new FrameWriter({ crypto: world.crypto })
    for (let n = 0; n < 3; n += 1) writer.add(villain.event(TOPIC, n), n, SHARD + 1_000 * n, new Uint8Array(16).fill(9))
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/direct/1'))
    const link = new CreditLink(stream, villain.ports)
    await world.pass(50)
    const membership = credentialOf(world.crypto, villain.identity.membership)
    const frame = writer.finish({
      meshHash: credentialOf(world.crypto, new TextEncoder().encode(villain.identity.mesh.mesh)).hash,
      publisher: villain.identity.key.publicKey,
      incarnation: villain.members.incarnation,
      membershipHash: membership.hash,
      generation: 0,
      time: world.clock.now(),
      credentials: [],
    })
    link.send(new EnvelopeWriter().finish(true), frame)
    await world.pass(50)
    expect(victim.count('broker.refused.structure')).toBe(1)
    expect(victim.count('broker.parked')).toBe(0)
  })

  test('an extension of an innocent name passes, so that the renamed ones mean something', async () => {
    await gossip(forge({ extensionNamed: 'azerty' }))
    expect(victim.received.map(({ extensions }) => extensions)).toEqual([{ azerty: 'amcp://somebody/else' }])
  })

  test('an expired membership ends what its holder may publish, at the price of a look-up', async () => {
    await world.pass(1_000)
    const late = await world.node({ lane: 'gossip' }, { seconds: 60 })
    await world.link(late, victim)
    await world.pass(2_000)
    await late.broker.publish(late.event(TOPIC, 'in time'))
    await world.pass(59_000)
    const verify = vi.spyOn(world.crypto, 'verify')
    await late.broker.publish(late.event(TOPIC, 'too late'))
    await world.pass(100)
    expect(victim.received.map(({ data }) => data)).toEqual(['in time'])
    expect(victim.count('broker.refused.membership')).toBe(1)
    expect(verify).not.toHaveBeenCalled()
  })

  test('what was replayed is recognised, in its own incarnation and within the window', async () => {
    const frame = forge()
    await gossip(frame)
    // Past the memory of gossip itself.
    await world.pass(200_000)
    const again = forge({ time: world.clock.now() - 1 })
    await gossip(again)
    expect(victim.received.length).toBe(1)
    expect(victim.count('broker.refused.equivocation')).toBe(1)
  })

  test('two frames for one slot quarantine the chain, and the proof is kept', async () => {
    await gossip(forge({ event: { data: 'one story' } }))
    await gossip(forge({ event: { data: 'another story' } }))
    expect(victim.received.map(({ data }) => data)).toEqual(['one story'])
    expect(victim.broker.evidence).toMatchObject([{ publisher: villain.id, n: 0 }])
    await gossip(forge({ n: 1 }))
    expect(victim.count('broker.refused.quarantined')).toBe(1)
    expect(victim.received.length).toBe(1)
  })

  test('more starts of one context than anybody needs are ignored', async () => {
    for (let at = 0; at < 18; at += 1) {
      const incarnation = new Uint8Array(16).fill(at + 100)
      await gossip(forge({ incarnation }))
    }
    expect(victim.received.length).toBe(16)
    expect(victim.count('broker.refused.incarnations')).toBe(2)
  })

  test('many proofs are kept up to a bound', async () => {
    for (let shard = 0; shard < 70; shard += 1) {
      const incarnation = new Uint8Array(16).fill(shard % 10)
      const subject = `${TOPIC}.x${Math.floor(shard / 10)}`
      await gossip(forge({ incarnation, event: { subject, data: 1 }, shard: shardOf(subject) }), shardOf(subject))
      await gossip(forge({ incarnation, event: { subject, data: 2 }, shard: shardOf(subject) }), shardOf(subject))
    }
    expect(victim.broker.evidence.length).toBeLessThanOrEqual(64)
  })

  test('frames mutated and signed again by a valid member harm nobody', async () => {
    let state = 42
    const random = (bound: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state % bound
    }
    // A shard, and so a chain, of its own for each few of them: one chain would be quarantined by the first that hits
    // the slot of another, and then prove nothing more.
    const topics = new Map<number, string>()
    for (let n = 0; topics.size < 64; n += 1) topics.set(shardOf(`amcp.domain.m${n}`), `amcp.domain.m${n}`)
    const mutants = 1_280
    for (let at = 0; at < mutants; at += 1) {
      const [shard, n] = [at % 64, Math.floor(at / 64)]
      const event = { subject: topics.get(shard)!, data: { at, text: 'x'.repeat(random(300)) } }
      const mutant = seal(mutate(forge({ n, shard, event }), random), world.crypto, sign)
      villain.network.gossip.publish(gossipTopic(shard), mutant)
      if (at % 20 === 0) await world.pass(10)
    }
    await world.pass(3_000)
    const counted = Object.entries(victim.ports.counters.snapshot())
    const reasons = counted.filter(([name]) => name.startsWith('broker.refused.'))
    const refused = reasons.reduce((sum, [, count]) => sum + count, 0)
    // Whatever gossip was told not to pass on has its reason.
    expect(refused + victim.count('broker.parked')).toBe(
      victim.count('gossip.ignored') + victim.count('gossip.rejected'),
    )
    // Each frame has one event.
    const malformed = counted.filter(([name]) => name.startsWith('broker.malformed.'))
    const dropped = malformed.reduce((sum, [, count]) => sum + count, 0)
    expect(refused + dropped + victim.count('broker.parked') + victim.received.length).toBe(mutants)
    expect(reasons.length).toBeGreaterThanOrEqual(8)
    expect(victim.count('broker.refused.quarantined')).toBeLessThan(refused / 2)
    expect(victim.received.length).toBeGreaterThan(mutants / 10)
    const sources = new Set(victim.received.map(({ source }) => source))
    for (const source of sources) expect(source).toBe(sourceOf(villain.id, villain.agent))
    const honest = await world.node()
    await world.link(honest, victim)
    await world.pass(500)
    await honest.broker.publish(honest.event(TOPIC, 'still here'))
    await world.pass(1_000)
    expect(victim.received.at(-1)?.data).toBe('still here')
  })

  test('a neighbour that brings more than its rate is not even verified', async () => {
    const strict = await world.node({ forwarderRate: { framesPerSecond: 1, burst: 2 } })
    await world.link(strict, villain)
    await world.run(strict.listen('amcp.>'))
    await world.pass(2_000)
    for (let n = 0; n < 5; n += 1) await gossip(forge({ n, signer: () => new Uint8Array(64).fill(n) }))
    expect(strict.count('broker.refused.signature')).toBe(2)
    expect(strict.count('broker.refused.rate')).toBe(3)
    expect(strict.count('gossip.rejected')).toBe(5)
  })

  test('a neighbour pays for frames of another mesh, which it ought to have known', async () => {
    await gossip(forge({ meshHash: new Uint8Array(16) }))
    expect(victim.count('broker.refused.mesh')).toBe(1)
    expect(victim.count('gossip.rejected')).toBe(1)
  })
})

describe('a member that publishes more than its rate', () => {
  test('is ignored for the rest, whoever brings it; it costs neither the neighbour nor other publishers', async () => {
    const strict = await world.node({ publisherRate: { framesPerSecond: 1, burst: 2 } })
    await world.link(strict, victim)
    await world.run(strict.listen('amcp.>'))
    await world.pass(2_000)
    let predecessor = new Uint8Array(32)
    for (let n = 0; n < 5; n += 1) {
      const frame = forge({ n, predecessor })
      predecessor = new Uint8Array(world.crypto.sha256(frame.subarray(0, 194)))
      await gossip(frame)
    }
    expect([victim.received.length, strict.received.length]).toEqual([5, 2])
    expect(strict.count('broker.refused.publisher-rate')).toBe(3)
    const other = await world.node({ lane: 'gossip' })
    await world.link(other, strict)
    await world.pass(2_000)
    await other.broker.publish(other.event(TOPIC, 'another publisher'))
    await world.pass(1_000)
    expect(strict.received.at(-1)?.data).toBe('another publisher')
  })

  test('is not charged twice for a frame that had to wait for its credentials', async () => {
    const strict = await world.node({ publisherRate: { framesPerSecond: 0.001, burst: 2 } })
    await world.link(strict, villain)
    await world.run(strict.listen('amcp.>'))
    await world.pass(2_000)
    const withheld = tokenWith({ expiresAt: Math.floor(world.clock.now() / 1_000) + 77 })
    const first = forge({ n: 0, token: withheld, withhold: true })
    await gossip(first)
    expect(strict.count('broker.parked')).toBe(1)
    const stream = await world.run(villain.network.streams.open(strict.id, '/amcp/sync/1'))
    stream.send(encodeSync({ kind: 'credentials', credentials: [withheld.bytes] }))
    await world.pass(50)
    await gossip(forge({ n: 1, predecessor: world.crypto.sha256(first.subarray(0, 194)) }))
    expect(strict.received.length).toBe(2)
    expect(strict.count('broker.refused.publisher-rate')).toBe(0)
  })
})
