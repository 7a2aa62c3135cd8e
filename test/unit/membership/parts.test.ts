import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { AmcpError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { memoryStore } from '../../../src/core/memory-store.ts'
import type { Ports } from '../../../src/core/ports.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { Acknowledgements } from '../../../src/membership/acknowledgements.ts'
import { AgentOrigins } from '../../../src/membership/agent-origins.ts'
import { LivesOfSelf } from '../../../src/membership/duplicate-identity.ts'
import { Joining } from '../../../src/membership/joining.ts'
import { MemberStore } from '../../../src/membership/member-store.ts'
import { OwnEntry } from '../../../src/membership/own-entry.ts'
import { decodeHead, FLAG_LEFT, isSignedByOwner } from '../../../src/membership/state-entry.ts'
import { crypto, idOf, wordCredentials } from './fake-mesh.ts'

const HEX = (digit: string): string => digit.repeat(32)

function portsAt(clock: VirtualClock): Ports {
  return { clock, random: new SeededRandom(1), crypto, logger: silentLogger, counters: new Counters() }
}

function ownEntry(incarnation = HEX('5')) {
  const clock = new VirtualClock({ start: 1_000 })
  const own = new OwnEntry(portsAt(clock), wordCredentials(1), idOf(1), incarnation)
  return { clock, own, lives: new LivesOfSelf(own, incarnation) }
}

describe('acknowledgements', () => {
  const setup = () => {
    const clock = new VirtualClock()
    let required = ['a', 'b']
    const acks = new Acknowledgements(clock, 2_000, () => required)
    return { clock, acks, require: (list: string[]) => (required = list) }
  }

  test('a wait ends when all required members have acknowledged that version or a later one', async () => {
    const { clock, acks } = setup()
    const wait = acks.wait(5)
    acks.acknowledged('a', 5)
    acks.acknowledged('b', 4)
    expect(acks.missing(5)).toEqual(['b'])
    acks.acknowledged('b', 6)
    await clock.runFor(wait.then(() => undefined))
    expect(clock.monotonic()).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('an older acknowledgement that comes late takes nothing back', () => {
    const { acks } = setup()
    acks.acknowledged('a', 6)
    acks.acknowledged('a', 3)
    expect(acks.missing(6)).toEqual(['b'])
  })

  test('a wait ends after the patience, and says no more than that', async () => {
    const { clock, acks } = setup()
    await clock.runFor(acks.wait(1))
    expect(clock.monotonic()).toBe(2_000)
    expect(acks.missing(1)).toEqual(['a', 'b'])
  })

  test('a member that leaves is waited for no longer', async () => {
    const { clock, acks, require } = setup()
    const wait = acks.wait(1)
    acks.acknowledged('a', 1)
    require(['a'])
    acks.settle()
    await clock.runFor(wait.then(() => undefined))
    expect(clock.monotonic()).toBe(0)
  })

  test('who is forgotten must acknowledge again; stop lets all go', async () => {
    const { clock, acks } = setup()
    acks.acknowledged('a', 1)
    acks.forget(['a'])
    expect(acks.missing(1)).toEqual(['a', 'b'])
    const wait = acks.wait(1)
    acks.stop()
    await clock.runFor(wait)
    expect(clock.monotonic()).toBe(0)
  })

  test('without required members nobody waits', async () => {
    const { acks, require } = setup()
    require([])
    await acks.wait(9)
    expect(acks.missing(9)).toEqual([])
  })
})

describe('the own entry', () => {
  test('begins above the stored version, and at the wall clock otherwise', () => {
    const { own } = ownEntry()
    own.begin(0)
    expect(own.version).toBe(1_000)
    own.begin(9_000)
    expect(own.version).toBe(9_001)
    expect(own.since).toBe(9_001)
  })

  test('each version is higher than all before, though the clock stands or goes back', () => {
    const { own } = ownEntry()
    own.begin(0)
    const first = own.issue({}).head.version
    const second = own.issue({}).head.version
    expect(second).toBe(first + 1)
    own.exceed(50_000)
    expect(own.issue({}).head.version).toBe(50_001)
    own.exceed(1)
    expect(own.issue({}).head.version).toBe(50_002)
  })

  test('is signed by its owner over exactly its bytes', () => {
    const { own } = ownEntry()
    own.begin(0)
    const { head, headBytes, signature } = own.issue({ left: true })
    expect(decodeHead(headBytes)).toEqual(head)
    expect(head.flags).toBe(FLAG_LEFT)
    expect(isSignedByOwner(crypto, head, headBytes, signature)).toBe(true)
    for (let at = 0; at < headBytes.length; at += 7) {
      const forged = headBytes.slice()
      forged[at]! ^= 1
      expect(isSignedByOwner(crypto, head, forged, signature)).toBe(false)
    }
    expect(isSignedByOwner(crypto, { ...head, context: 'nobody' }, headBytes, signature)).toBe(false)
  })

  test('a change that is none is no change', () => {
    const { own } = ownEntry()
    expect(own.change({ patterns: ['a.>'] })).toBe(true)
    const digest = own.bodyDigest
    expect(own.change({ patterns: ['a.>'] })).toBe(false)
    expect(own.change({ offers: [{ agent: 'x', capability: 'c', version: '1' }] })).toBe(true)
    expect(own.bodyDigest).not.toBe(digest)
  })

  test('refuses more offers than an entry holds, and keeps what it had', () => {
    const { own } = ownEntry()
    const offers = Array.from({ length: 40_000 }, (_, n) => ({
      agent: `agent-${n}-${'x'.repeat(30)}`,
      capability: 'c',
      version: '1',
    }))
    const digest = own.bodyDigest
    expect(() => own.change({ offers })).toThrow(RangeError)
    expect(own.bodyDigest).toBe(digest)
  })

  test('holds 10,000 offers of one capability', () => {
    const { own } = ownEntry()
    const offers = Array.from({ length: 10_000 }, (_, n) => ({
      agent: `00000000-0000-8000-8000-${String(n).padStart(12, '0')}`,
      capability: 'c',
      version: '1',
    }))
    expect(own.change({ offers })).toBe(true)
  })
})

describe('lives of one key', () => {
  const head = (changes: object) => ({
    context: idOf(1),
    incarnation: HEX('4'),
    version: 1,
    since: 1,
    flags: 0,
    rival: '',
    body: HEX('0'),
    membership: HEX('0'),
    ...changes,
  })
  const started = () => {
    const all = ownEntry()
    all.own.begin(0)
    return all
  }

  test('own entries that come back are ignored', () => {
    const { own, lives } = started()
    expect(lives.seen(own.issue({}).head)).toBe('ignore')
  })

  test('remains of an earlier life are exceeded if they are higher, ignored if not', () => {
    const { own, lives } = started()
    expect(lives.seen(head({ version: 900, since: 500 }))).toBe('ignore')
    expect(lives.seen(head({ version: 70_000, since: 500 }))).toBe('answer')
    expect(own.issue({}).head.version).toBe(70_001)
    expect(own.issue({}).head.rival).toBe('')
  })

  test('a later life is answered by name', () => {
    const { own, lives } = started()
    expect(lives.seen(head({ version: 2_000, since: 2_000 }))).toBe('answer')
    expect(own.issue({}).head).toMatchObject({ rival: HEX('4'), version: 2_001 })
  })

  test('an earlier life that names this one is alive: this one is the duplicate', () => {
    const { lives } = started()
    expect(lives.seen(head({ version: 2_000, since: 500, rival: HEX('5') }))).toBe('duplicate')
    expect(lives.seen(head({ version: 2_000, since: 500, rival: HEX('6') }))).not.toBe('duplicate')
  })

  test('of two that began in one millisecond exactly one is the later', () => {
    const low = ownEntry(HEX('4'))
    const high = ownEntry(HEX('5'))
    low.own.begin(0)
    high.own.begin(0)
    expect(low.lives.seen(high.own.issue({}).head)).toBe('answer')
    expect(high.lives.seen(low.own.issue({}).head)).toBe('duplicate')
  })

  test('what a peer remembers of another life is exceeded', () => {
    const { own, lives } = started()
    expect(lives.remembered({ incarnation: HEX('5'), version: 99_000, heads: {} }, 99_000)).toBe(false)
    expect(lives.remembered({ incarnation: HEX('4'), version: 5, heads: {} }, 99_000)).toBe(false)
    expect(lives.remembered({ incarnation: HEX('4'), version: 99_000, heads: {} }, 68_999)).toBe(false)
    expect(lives.remembered({ incarnation: HEX('4'), version: 99_000, heads: {} }, 69_000)).toBe(true)
    expect(own.issue({}).head.version).toBe(99_001)
  })
})

test('peers that remember ever more of an earlier life are heeded no longer', () => {
  const { own, lives } = (() => {
    const all = ownEntry()
    all.own.begin(0)
    return all
  })()
  const claims = Array.from({ length: 100 }, (_, n) => ({ incarnation: HEX('4'), version: 2_000 + n, heads: {} }))
  expect(claims.filter((claim) => lives.remembered(claim, 5_000))).toHaveLength(64)
  expect(own.issue({}).head.version).toBe(2_064)
})

describe('joining', () => {
  const refusal = new AmcpError('ERR_WRONG_MESH', 'no')
  const setup = () => {
    const clock = new VirtualClock()
    return { clock, joining: new Joining(clock, { acknowledge: 2_000, join: 10_000 }, (peer) => peer !== 'stranger') }
  }

  test('waits for nobody without addresses', async () => {
    const { joining } = setup()
    joining.expect(0)
    await joining.wait()
  })

  test('ends at once when joined before it was waited for', async () => {
    const { clock, joining } = setup()
    joining.joined()
    joining.expect(1)
    await joining.wait()
    expect(clock.monotonic()).toBe(0)
  })

  test('fails only when no address is left that could let us in', async () => {
    const { clock, joining } = setup()
    joining.expect(3)
    const waiting = clock.runFor(joining.wait())
    joining.refused('a', refusal)
    joining.tried(1)
    joining.refused('a', refusal)
    joining.refused('b', refusal)
    await expect(waiting).rejects.toBe(refusal)
  })

  test('a stranger that dials us and refuses decides nothing, and nothing is kept of it', async () => {
    const { clock, joining } = setup()
    joining.expect(1)
    const waiting = clock.runFor(joining.wait())
    for (let n = 0; n < 2_000; n += 1) joining.refused('stranger', refusal)
    joining.tried(0)
    await waiting
    expect(clock.monotonic()).toBe(10_000)
    joining.refused('a', refusal)
    await joining.wait()
  })

  test('nobody at any address is no failure', async () => {
    const { clock, joining } = setup()
    joining.expect(1)
    const waiting = clock.runFor(joining.wait())
    joining.tried(1)
    await waiting
    expect(clock.monotonic()).toBe(2_000)
  })

  test('somebody who is slow to answer is waited for longer than nobody', async () => {
    const { clock, joining } = setup()
    joining.expect(2)
    const waiting = clock.runFor(joining.wait())
    joining.tried(1)
    clock.after(5_000, () => joining.joined())
    await waiting
    expect(clock.monotonic()).toBe(5_000)
  })

  test('the last address that turns out to be nobody ends it', async () => {
    const { clock, joining } = setup()
    joining.expect(2)
    const waiting = clock.runFor(joining.wait())
    joining.tried(1)
    clock.after(3_000, () => joining.tried(2))
    await waiting
    expect(clock.monotonic()).toBe(3_000)
  })

  test('a signal that is aborted meanwhile ends it at once', async () => {
    const { joining, clock } = setup()
    joining.expect(1)
    const abort = new AbortController()
    const refused = expect(joining.wait(abort.signal)).rejects.toThrow('changed my mind')
    abort.abort(new Error('changed my mind'))
    await refused
    expect([clock.monotonic(), clock.pending]).toEqual([0, 0])
  })

  test('a signal that was aborted before anybody listened ends it, too', async () => {
    const { joining, clock } = setup()
    joining.expect(1)
    await expect(joining.wait(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
    expect([clock.monotonic(), clock.pending]).toEqual([0, 0])
  })

  test('a signal aborted already ends it', async () => {
    const { joining } = setup()
    await expect(joining.wait(AbortSignal.abort(new Error('no')))).rejects.toThrow('no')
  })
})

describe('the store of members', () => {
  test('remembers the own version and what was seen of others', async () => {
    const store = await memoryStore()
    const first = new MemberStore(store)
    expect(await first.load()).toBe(0)
    first.noteOwn(7)
    first.noteOwn(3)
    first.note('peer', HEX('1'), 5)
    first.note('peer', HEX('1'), 4)
    await first.save()
    const second = new MemberStore(store)
    expect(await second.load()).toBe(7)
    expect(second.seenOf('peer')).toEqual({ incarnation: HEX('1'), version: 5, heads: {} })
    expect(second.seenOf('other')).toBeUndefined()
  })

  test('writes one batch of what changed, and none when nothing did', async () => {
    const store = await memoryStore()
    const batches: number[] = []
    const batch = store.batch.bind(store)
    store.batch = (operations, options) => {
      batches.push(operations.length)
      return batch(operations, options)
    }
    const members = new MemberStore(store)
    await members.load()
    members.noteOwn(1)
    members.note('a', HEX('1'), 1)
    members.note('b', HEX('1'), 1)
    await members.save()
    await members.save()
    expect(batches).toEqual([3])
  })

  test.each([
    ['self', 'no number'],
    ['self', '-1'],
    ['self', 'null'],
    ['peer/one', '{"incarnation":"11"'],
    ['peer/one', 'null'],
    ['peer/one', '{"incarnation":1,"version":1,"heads":{}}'],
  ])('says ERR_STORE_UNREADABLE of a damaged record: %s = %s', async (key, value) => {
    const store = await memoryStore()
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
    await store.batch([{ type: 'put', space: 'membership', key: bytes(key), value: bytes(value) }])
    await expect(new MemberStore(store).load()).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
  })

  test('forgets those seen longest ago beyond its limit', async () => {
    const store = await memoryStore()
    const first = new MemberStore(store)
    await first.load()
    for (let n = 0; n < 1_030; n += 1) first.note(`peer-${n}`, HEX('1'), 1)
    first.note('peer-0', HEX('2'), 2)
    await first.save()
    const second = new MemberStore(store)
    await second.load()
    expect(second.seenOf('peer-0')).toMatchObject({ version: 2 })
    expect(second.seenOf('peer-1')).toBeUndefined()
    expect(second.seenOf('peer-1029')).toBeDefined()
  })
})

test('origins of agents: the first contexts heard of are forgotten beyond the limit', () => {
  const origins = new AgentOrigins({
    ...wordCredentials(1),
    originOfContext: (context) => context,
    originOfAgent: (agent) => agent.slice('agent of '.length),
  })
  for (let n = 0; n <= 16_384; n += 1) origins.add(`c${n}`)
  expect(origins.contextOf('agent of c0')).toBeUndefined()
  expect(origins.contextOf('agent of c1')).toBe('c1')
  expect(origins.contextOf('agent of c16384')).toBe('c16384')
})
