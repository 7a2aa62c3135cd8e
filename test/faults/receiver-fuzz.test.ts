import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { receiverHash } from '../../src/broker/mesh/direct-lane.ts'
import { AmcpError } from '../../src/core/errors.ts'
import { realTurn } from '../../src/core/system-turn.ts'
import type { ChainPlace } from '../../src/events/frame/frame-header.ts'
import { type Frame, readFrame } from '../../src/events/frame/frame-reader.ts'
import { FrameWriter } from '../../src/events/frame/frame-writer.ts'
import { EnvelopeWriter } from '../../src/events/frame/link-envelope.ts'
import { shardOf } from '../../src/events/shard.ts'
import { credentialOf } from '../../src/identity/credential.ts'
import { mutate, seal } from '../../src/testing/frame-fuzz.ts'
import { sampleEvent } from '../../src/testing/sample-frames.ts'
import { FuzzedReceiver, type Outcome } from './fuzzed-receiver.ts'

/** 100,000 as the claim has it with `npm run prove -- fuzz`; fewer where every minute counts. */
const count = Number(process.env['FUZZ_COUNT'] ?? 4_000)
const SEED = 20_261_121
/** Mutants after which the villain goes on under new incarnations: by then most of its chains are quarantined. */
const LIFE = 4_000
/** Of the villain at once. The receiver remembers 16, and mutated ones want room, too. */
const INCARNATIONS = 8
/** An incarnation of which nothing was heard for so long is forgotten, ms. */
const FORGOTTEN = 601_000

type Lane = 'gossip' | 'signed' | 'unsigned'
/** Sample events, but for those with an id that is none, which every receiver drops. */
const KINDS = [0, 1, 3, 4, 5, 7, 8, 9, 11]
const LANES: readonly Lane[] = ['gossip', 'gossip', 'gossip', 'gossip', 'gossip', 'unsigned', 'unsigned', 'signed']

/** A chain of frames as its publisher knows it: the next place, and the next sequence. */
interface Chain {
  n: number
  predecessor: Uint8Array
  sequence: number
}

/** A member that sends frames which are right but for some bytes, and keeps book of what became of each. */
class Villain {
  readonly receiver = new FuzzedReceiver(SEED)
  readonly outcomes: Record<Outcome, number> = { passed: 0, refused: 0, parked: 0, 'not parked': 0 }
  /** Frames whose version and lengths are right. */
  structured = 0
  /** Events of the frames that passed. */
  passedEvents = 0
  /** Frames that are right, between the mutants. */
  controls = 0
  resigned = 0
  /** Mutants that were sent a second time. */
  repeats = 0
  readonly #topics: readonly string[]
  readonly #writer: FrameWriter
  #incarnations: readonly Uint8Array[] = []
  #chains = new Map<string, Chain>()
  #sent = 0

  constructor() {
    const { ports } = this.receiver
    this.#writer = new FrameWriter({ crypto: ports.crypto })
    const topics = new Map<number, string>()
    for (let n = 0; topics.size < 64; n += 1) topics.set(shardOf(`amcp.domain.m${n}`), `amcp.domain.m${n}`)
    this.#topics = [...topics].sort(([one], [other]) => one - other).map(([, topic]) => topic)
  }

  async send(mutants: number): Promise<void> {
    for (let left = mutants; left > 0; left -= 1) {
      if (this.#sent % LIFE === 0) await this.#beginLife()
      if (this.#sent % 50 === 0) await this.receiver.clock.advance(50)
      this.#sent += 1
      const lane = LANES[this.#below(LANES.length)]!
      const life = this.#below(INCARNATIONS)
      const shard = this.#below(64)
      let mutant = mutate(this.#frame(lane, life, shard), (bound) => this.#below(bound))
      if (this.#below(2) === 0) {
        mutant = seal(mutant, this.receiver.ports.crypto, (digest) => this.receiver.villain.key.sign(digest))
        this.resigned += 1
      }
      if (readOrRefuse(mutant) !== undefined) this.structured += 1
      this.#hand(mutant, lane, life, shard)
      if (this.#below(50) > 0) continue
      this.#hand(mutant, lane, life, shard)
      this.repeats += 1
    }
  }

  /** Until nothing waits any more. */
  async settle(): Promise<void> {
    await this.receiver.clock.advance(5_000)
  }

  /** The last ones are forgotten; a right frame of each new one shows that the receiver is none the worse for what it saw. */
  async #beginLife(): Promise<void> {
    await this.receiver.clock.advance(FORGOTTEN)
    const { ports } = this.receiver
    this.#chains = new Map()
    this.#incarnations = Array.from({ length: INCARNATIONS }, () => ports.random.bytes(16))
    for (let life = 0; life < INCARNATIONS; life += 1) {
      const before = this.receiver.delivered
      this.#hand(this.#frame('gossip', life, 0, 0), 'gossip', life, 0)
      if (this.receiver.delivered !== before + 1) throw new Error(`a right frame was not delivered, life ${life}`)
      this.controls += 1
    }
  }

  #hand(bytes: Uint8Array, lane: Lane, life: number, shard: number): void {
    const frame = readOrRefuse(bytes)
    const chain = this.#chainOf(lane, life, shard)
    const envelope = new EnvelopeWriter().finish(true)
    const outcome =
      lane === 'gossip' ? this.receiver.gossip(shard, bytes) : this.receiver.direct(Buffer.concat([envelope, bytes]))
    this.outcomes[outcome] += 1
    if (outcome !== 'passed' || frame === undefined) return
    this.passedEvents += frame.events().length
    const place = frame.header.place
    if (place === undefined) return
    chain.n = place.n + 1
    chain.predecessor = frame.headerDigest(this.receiver.ports.crypto).slice()
  }

  /** A frame that any receiver takes. @param kind of its one event; by default any, and several */
  #frame(lane: Lane, life: number, shard: number, kind?: number): Uint8Array {
    const { receiver } = this
    const { villain, ports, tokens, agent, source, victim } = receiver
    const chain = this.#chainOf(lane, life, shard)
    const sequences = this.#chainOf('unsigned', life, shard)
    const token = tokens.tokenOf(agent)
    const membership = credentialOf(ports.crypto, villain.membership)
    const events = kind === undefined ? 1 + this.#below(4) : 1
    for (let at = 0; at < events; at += 1) {
      const event = { ...sampleEvent(kind ?? KINDS[this.#below(KINDS.length)]!), source, subject: this.#topics[shard]! }
      this.#writer.add(event, sequences.sequence++, shard, token.hash)
    }
    const { n, predecessor } = chain
    const place: ChainPlace =
      lane === 'gossip'
        ? { kind: 'gossip', n, predecessor }
        : { kind: 'link', n, predecessor, receiver: receiverHash(ports.crypto, victim.id) }
    const isWhole = kind !== undefined || this.#below(3) === 0
    return this.#writer.finish(
      {
        meshHash: credentialOf(ports.crypto, new TextEncoder().encode(villain.mesh.mesh)).hash,
        publisher: villain.key.publicKey,
        incarnation: this.#incarnations[life]!,
        membershipHash: membership.hash,
        generation: 0,
        time: ports.clock.now(),
        credentials: isWhole ? [membership.bytes, token.bytes] : [],
        ...(lane === 'unsigned' ? {} : { chain: place }),
      },
      lane === 'unsigned' ? undefined : (digest) => villain.key.sign(digest),
    )
  }

  /** Gossip has a chain for each shard, a link one; sequences are of the shard on either lane. */
  #chainOf(lane: Lane, life: number, shard: number): Chain {
    const key = lane === 'signed' ? `${life}` : `${life} ${lane} ${shard}`
    let chain = this.#chains.get(key)
    if (chain === undefined) {
      chain = { n: 0, predecessor: new Uint8Array(32), sequence: 0 }
      this.#chains.set(key, chain)
    }
    return chain
  }

  #below(bound: number): number {
    return Math.floor(this.receiver.random.float() * bound)
  }
}

function readOrRefuse(bytes: Uint8Array): Frame | undefined {
  try {
    return readFrame(bytes)
  } catch (error) {
    if (error instanceof AmcpError) return undefined
    throw error
  }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
/** What native keys and buffers hold is given back in turns after a collection. */
const memory = async (): Promise<number> => {
  for (let turn = 0; turn < 3; turn += 1) {
    collect()
    await realTurn()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test('mutants of a member’s frames, half of them signed again, are refused or harmless, each is counted, and memory stays flat', {
  timeout: 600_000,
}, async () => {
  const villain = new Villain()
  const { receiver } = villain
  // Code is compiled and caches are full before it is measured.
  await villain.send(LIFE)
  await villain.settle()
  const before = await memory()
  await villain.send(count)
  await villain.settle()
  expect((await memory()) - before).toBeLessThan(4 * 1_048_576)

  const sent = LIFE + count
  const { passed, refused, parked } = villain.outcomes
  const notParked = villain.outcomes['not parked']
  expect(passed + refused + parked + notParked).toBe(sent + villain.controls + villain.repeats)
  // By version and lengths, and even by all that is checked of the form before any credential.
  expect(villain.structured / sent).toBeGreaterThan(0.3)
  const { structure = 0, size = 0, seen = 0 } = receiver.refusals
  expect((sent - structure - size) / sent).toBeGreaterThan(0.3)
  // Those that were sent twice.
  expect(seen).toBeGreaterThan(0)
  expect(receiver.counters.get('broker.duplicate-or-late')).toBeGreaterThan(0)
  expect(villain.resigned / sent).toBeGreaterThan(0.4)
  const counted = receiver.counters.snapshot()
  const of = (name: string): number => counted[`broker.${name}`] ?? 0
  expect(receiver.refused).toBe(refused)
  expect(of('parked')).toBe(parked)
  expect(of('parking-full')).toBe(notParked)
  // Nobody sends what they lack, so all of them end.
  expect(of('parking-expired')).toBe(parked)
  // Whatever passed comes out once, or is counted.
  const malformed = Object.keys(counted).filter((name) => name.startsWith('broker.malformed.'))
  const dropped = ['duplicate-or-late', 'expired', 'refused.reserved'].map((name) => `broker.${name}`)
  const out = [...dropped, ...malformed].reduce((sum, name) => sum + (counted[name] ?? 0), receiver.delivered)
  expect(out).toBe(villain.passedEvents)
  expect(receiver.foreign).toBe(0)
  expect(of('subscriber-threw')).toBe(0)
  // The checks that lie behind signature and structure were reached, too.
  expect(Object.keys(receiver.refusals).length).toBeGreaterThanOrEqual(10)
  expect(passed).toBeGreaterThan(sent / 20)
  expect(receiver.delivered).toBeGreaterThan(sent / 20)
  expect(receiver.unreadable).toBeGreaterThan(0)
  expect(malformed.length).toBeGreaterThan(0)
  expect((receiver.refusals['quarantined'] ?? 0) / sent).toBeLessThan(0.3)
  receiver.stop()
})
