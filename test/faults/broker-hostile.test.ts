import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { encodeSync } from '../../src/broker/mesh/sync-messages.ts'
import type { AmcpEvent } from '../../src/events/event.ts'
import { type FinishFields, FrameWriter } from '../../src/events/frame/frame-writer.ts'
import { EnvelopeWriter } from '../../src/events/frame/link-envelope.ts'
import { shardOf } from '../../src/events/shard.ts'
import { sourceOf } from '../../src/events/source.ts'
import { mintAgentId } from '../../src/identity/agent-id.ts'
import { issueAgentToken } from '../../src/identity/agent-token.ts'
import { type Credential, credentialOf } from '../../src/identity/credential.ts'
import { CreditLink } from '../../src/network/credit-link.ts'
import { mutate, seal } from '../../src/testing/frame-fuzz.ts'
import { type Node, World } from '../unit/broker/world.ts'

const TOPIC = 'amcp.domain.hostile'
const SHARD = shardOf(TOPIC)

let world: World
/** Honest, and listening. */
let victim: Node
/** A valid member that sends whatever it likes. */
let villain: Node

beforeEach(async () => {
  world = new World()
  const nodes = await world.grow(2)
  victim = nodes[0]!
  villain = nodes[1]!
  await world.run(victim.listen('amcp.>'))
  await world.pass(2_000)
})
afterEach(() => world.stop())

/** An extension's name that is replaced by one of the same length. */
const INNOCENT = 'qwerty'
const gossipTopic = (shard = SHARD): string => `amcp/1/${villain.identity.mesh.mesh}/s/0/${shard}`
const sign = (digest: Uint8Array): Uint8Array => villain.identity.key.sign(digest)

interface Forgery extends Partial<FinishFields> {
  n?: number
  predecessor?: Uint8Array
  unsigned?: boolean
  token?: Credential | undefined
  noToken?: boolean
  withhold?: boolean
  event?: Partial<AmcpEvent>
  shard?: number
  signer?: (digest: Uint8Array) => Uint8Array
  sequence?: number
  /** Name of an extension that no writer would write. */
  extensionNamed?: string
}

/** A frame of the villain, right but for what is asked to be wrong. */
function forge({ n = 0, predecessor = new Uint8Array(32), unsigned = false, noToken = false, ...rest }: Forgery = {}) {
  const { crypto } = world
  const {
    token = villain.tokens.tokenOf(villain.agent),
    withhold = false,
    event,
    shard = SHARD,
    signer = sign,
    extensionNamed,
  } = rest
  const { sequence = n, ...fields } = rest
  const writer = new FrameWriter({ crypto })
  const extensions = extensionNamed === undefined ? undefined : { [INNOCENT]: 'amcp://somebody/else' }
  writer.add(
    { ...villain.event(TOPIC, 'evil'), extensions, ...event },
    sequence,
    shard,
    noToken ? undefined : token.hash,
  )
  const membership = credentialOf(crypto, villain.identity.membership)
  const common: FinishFields = {
    meshHash: credentialOf(crypto, new TextEncoder().encode(villain.identity.mesh.mesh)).hash,
    publisher: villain.identity.key.publicKey,
    incarnation: villain.members.incarnation,
    membershipHash: membership.hash,
    generation: 0,
    time: world.clock.now(),
    credentials: withhold ? [] : [membership.bytes, token.bytes],
    ...(unsigned ? {} : { chain: { kind: 'gossip', n, predecessor } as const }),
  }
  const frame = writer.finish({ ...common, ...fields }, 'chain' in fields || !unsigned ? signer : undefined)
  return extensionNamed === undefined ? frame : renamed(frame, extensionNamed)
}

/** The frame with another name for its extension, signed again. */
function renamed(frame: Uint8Array, name: string): Uint8Array {
  const at = Buffer.from(frame).indexOf(INNOCENT)
  frame.set(new TextEncoder().encode(name), at)
  return seal(frame, world.crypto, sign)
}

async function gossip(frame: Uint8Array, shard = SHARD): Promise<void> {
  villain.network.gossip.publish(gossipTopic(shard), frame)
  await world.pass(50)
}

const tokenWith = (claims: Partial<Parameters<typeof issueAgentToken>[2]>, key = villain.identity.key): Credential =>
  credentialOf(
    world.crypto,
    issueAgentToken(key, villain.id, {
      agent: villain.agent,
      mesh: villain.identity.mesh.mesh,
      roles: [],
      publish: ['amcp.>'],
      epoch: 0,
      custody: undefined,
      expiresAt: Math.floor(world.clock.now() / 1_000) + 300,
      ...claims,
    }),
  )

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
    const membership = credentialOf(crypto, villain.identity.membership)
    const frame = writer.finish({
      meshHash: credentialOf(crypto, new TextEncoder().encode(villain.identity.mesh.mesh)).hash,
      publisher: villain.identity.key.publicKey,
      incarnation: villain.members.incarnation,
      membershipHash: membership.hash,
      generation: 0,
      time: world.clock.now(),
      credentials: [membership.bytes, token!.bytes],
    })
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

describe('a hostile peer on the direct lane', () => {
  const open = async (): Promise<CreditLink> => {
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/direct/1'))
    const link = new CreditLink(stream, villain.ports)
    await world.pass(50)
    return link
  }
  const send = async (link: CreditLink, frame: Uint8Array): Promise<void> => {
    link.send(new EnvelopeWriter().previous(SHARD, -1).finish(true), frame)
    await world.pass(50)
  }

  test('gets what is right delivered, unsigned', async () => {
    await send(await open(), forge({ unsigned: true }))
    expect(victim.received.length).toBe(1)
  })

  test('has events dropped that are past their expiry by every clock that a member may have, and no others', async () => {
    const link = await open()
    const expirytimes = [-29_000, -30_000].map((ms) => new Date(world.clock.now() + ms).toISOString())
    for (const [sequence, expirytime] of [...expirytimes, '2001-01-01T00:00:00Z'].entries())
      await send(link, forge({ unsigned: true, sequence, event: { expirytime } }))
    expect(victim.received.map(({ sequence }) => Number(sequence))).toEqual([0])
    expect(victim.count('broker.expired')).toBe(2)
  })

  test('cannot speak for somebody else, nor pass on a frame that was meant for gossip', async () => {
    const link = await open()
    await send(link, forge({ unsigned: true, publisher: victim.identity.key.publicKey }))
    expect(victim.count('broker.refused.publisher')).toBe(1)
    await send(link, forge())
    expect(victim.count('broker.refused.receiver')).toBe(1)
    const chain = { kind: 'link', n: 0, predecessor: new Uint8Array(32), receiver: new Uint8Array(16) } as const
    await send(link, forge({ chain }))
    expect(victim.count('broker.refused.receiver')).toBe(2)
    expect(victim.received).toEqual([])
  })

  test('has each signed frame taken once; two for one number quarantine the chain of the link, and the proof is kept', async () => {
    const link = await open()
    const receiver = world.crypto.sha256(victim.identity.key.publicKey).subarray(0, 16)
    const chain = { kind: 'link', n: 0, predecessor: new Uint8Array(32), receiver } as const
    const frame = forge({ chain })
    await send(link, frame)
    await send(link, frame)
    expect(victim.count('broker.refused.seen')).toBe(1)
    await send(link, forge({ chain, sequence: 1, event: { data: 'another story' } }))
    expect(victim.count('broker.refused.equivocation')).toBe(1)
    expect(victim.broker.evidence).toMatchObject([{ publisher: villain.id, n: 0 }])
    await send(link, forge({ chain: { ...chain, n: 1 }, sequence: 2 }))
    expect(victim.count('broker.refused.quarantined')).toBe(1)
    expect(victim.received.map(({ data }) => data)).toEqual(['evil'])
  })

  test('breaks nothing with envelopes and frames that are none', async () => {
    const link = await open()
    link.send(Uint8Array.of(9, 9, 9))
    link.send(new EnvelopeWriter().previous(64, 0).finish(false))
    await send(link, new Uint8Array(300))
    expect(victim.count('broker.misbehaved')).toBe(3)
    await send(link, forge({ unsigned: true }))
    expect(victim.received.length).toBe(1)
  })

  test('cannot make an event come twice, and is believed what it says it dropped', async () => {
    const link = await open()
    link.send(new EnvelopeWriter().nothingUntil(SHARD, 4).interest(1, SHARD, true).dropped(SHARD, 2, 4).finish(false))
    await send(link, forge({ unsigned: true, sequence: 5 }))
    await send(link, forge({ unsigned: true, sequence: 5 }))
    expect(victim.received.length).toBe(1)
    expect(victim.count('broker.duplicate-or-late')).toBe(1)
    expect(victim.count('broker.dropped-for-us')).toBe(3)
  })

  test('lane records of somebody who is not in the map are nothing', async () => {
    const link = await open()
    world.mesh.leave(villain.id)
    link.send(new EnvelopeWriter().nothingUntil(SHARD, 4).finish(false))
    await world.pass(50)
    expect(victim.received).toEqual([])
  })
})

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
    const whole = world
    world = new World({ topology: 'line' })
    try {
      const nodes: Node[] = []
      for (let at = 0; at < 4; at += 1) {
        const node = await world.node()
        if (at > 0) await world.link(node, nodes[at - 1]!)
        nodes.push(node)
      }
      world.mesh.areMembershipsTold = false
      villain = nodes[0]!
      for (const node of nodes.slice(1)) await world.run(node.listen('amcp.>'))
      await world.pass(3_000)
      // The villain's own broker can answer for the token.
      villain.broker.publish(villain.event('amcp.agentless'))
      await world.pass(100)
      await gossip(forge({ withhold: true, event: { subject: TOPIC } }))
      await world.pass(1_000)
      for (const node of nodes.slice(1))
        expect(node.received.filter(({ subject }) => subject === TOPIC).map(({ data }) => data)).toEqual(['evil'])
    } finally {
      await world.stop()
      world = whole
    }
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
