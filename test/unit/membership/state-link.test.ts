import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { costOf } from '../../../src/membership/message-cost.ts'
import { signLife } from '../../../src/membership/sign-of-life.ts'
import { StateLink } from '../../../src/membership/state-link.ts'
import { StateMap } from '../../../src/membership/state-map.ts'
import { decodeMessage, type StateMessage } from '../../../src/membership/state-messages.ts'
import type { MessageStream } from '../../../src/network/network.ts'
import { entry } from './entry.ts'
import { crypto, idOf, keyOf } from './fake-mesh.ts'

const HEX = '0'.repeat(32)
const [A, B, C] = ['a'.repeat(32), 'b'.repeat(32), 'c'.repeat(32)] as const
const alive = (nonce: string, incarnation = HEX) =>
  signLife((bytes) => keyOf(3).sign(bytes), idOf(3), incarnation, nonce)

function stream() {
  const sent: StateMessage[] = []
  const send = (bytes: Uint8Array): boolean => sent.push(decodeMessage(bytes)) > 0
  return { made: { isOpen: true, peer: idOf(3), send } as unknown as MessageStream, sent }
}

const linkOver = (
  made: MessageStream,
  ports: ConstructorParameters<typeof StateLink>[2],
  drained: (link: StateLink) => void = () => {},
) => new StateLink(made, HEX, ports, drained)

/** A stream that is full from the first message on, until there is `room`. */
function fullStream() {
  const { made, sent } = stream()
  const room = Promise.withResolvers<void>()
  let isFull = true
  Object.assign(made, {
    send: (bytes: Uint8Array) => sent.push(decodeMessage(bytes)) > 0 && !isFull,
    drained: () => room.promise,
  })
  const drain = async (): Promise<void> => {
    isFull = false
    room.resolve()
    await room.promise
  }
  return { made, sent, drain }
}

describe('a neighbour that does not read', () => {
  const setup = () => {
    const { made, sent, drain } = fullStream()
    const clock = new VirtualClock()
    const counters = new Counters()
    const map = new StateMap(crypto, 'self', 30_000)
    const link = linkOver(made, { clock, counters }, (each) => each.flush(map, 0))
    link.begin(map)
    sent.length = 0
    return { clock, counters, map, link, sent, drain, ports: { clock } }
  }

  test('is sent nothing, whatever it asks, until there is room again', async () => {
    const { clock, counters, map, link, sent, drain, ports } = setup()
    map.apply(entry('a', 1, {}), 0)
    for (let n = 0; n < 20_000; n += 1) {
      link.oweSummary()
      link.compareMaps()
      link.tellInFull('a')
      link.want('b')
      link.say({ t: 'alive', nonce: A, alive: alive(A) })
      link.flush(map, 0)
    }
    const answer = link.challenge(ports, B, 100)
    expect(sent).toEqual([])
    expect(counters.get('membership.state.unsaid')).toBe(20_000 - 16 + 1)
    await drain()
    expect(sent.map(({ t }) => t)).toEqual(['entries', 'want', 'summary', ...Array(16).fill('alive')])
    link.closed()
    expect([await answer, clock.pending]).toEqual([undefined, 0])
  })

  test('has at most so many acknowledgements and wants waiting for it as a message lists', async () => {
    const { counters, map, link, sent, drain } = setup()
    for (let n = 0; n < 16_390; n += 1) {
      link.acknowledge(['owner', 1, `by ${n}`])
      link.want(`context ${n}`)
    }
    link.acknowledge(['owner', 2, 'by 0'])
    link.summary([], map)
    link.summary([['late', 1]], map)
    await drain()
    const lengths = sent.map((message) =>
      message.t === 'acks' ? message.acks.length : message.t === 'want' ? message.contexts.length : 0,
    )
    expect(sent.map(({ t }) => t)).toEqual(['want', 'acks', 'digest'].slice(0, sent.length))
    expect(lengths.slice(0, 2)).toEqual([16_384, 16_384])
    expect(counters.get('membership.ack.dropped')).toBe(6)
    expect(counters.get('membership.want.dropped')).toBe(7)
  })

  test('that has had 8 MiB put by for it loses its stream', () => {
    const { made, sent } = stream()
    const ends: unknown[] = []
    Object.assign(made, { buffered: 8_388_609, abort: (reason: unknown) => ends.push(reason) })
    const counters = new Counters()
    linkOver(made, { clock: new VirtualClock(), counters }).say({ t: 'challenge', nonce: A })
    expect([sent, counters.get('membership.state.overfull')]).toEqual([[], 1])
    expect(ends).toEqual([expect.objectContaining({ code: 'ERR_QUEUE_FULL' })])
  })
})

test('a stream that breaks while state is written to it is ended, and counted', () => {
  const counters = new Counters()
  const broken = new Error('broken')
  const ends: unknown[] = []
  const { made } = stream()
  Object.assign(made, {
    send: () => {
      throw broken
    },
    abort: (reason: unknown) => ends.push(reason),
  })
  linkOver(made, { clock: new VirtualClock(), counters }).say({ t: 'challenge', nonce: A })
  expect([ends, counters.get('membership.state.unsent')]).toEqual([[broken], 1])
})

test('a stream that breaks while it is full is left to its close listener', async () => {
  const { made, sent } = stream()
  Object.assign(made, { send: () => false, drained: () => Promise.reject(new Error('gone')) })
  const flushed: unknown[] = []
  const link = linkOver(made, { clock: new VirtualClock(), counters: new Counters() }, (each) => flushed.push(each))
  link.say({ t: 'challenge', nonce: A })
  await Promise.resolve()
  expect([sent, flushed]).toEqual([[], []])
})

describe('summaries', () => {
  const setup = () => {
    const { made, sent } = stream()
    const clock = new VirtualClock()
    const map = new StateMap(crypto, 'self', 30_000)
    const counters = new Counters()
    const link = linkOver(made, { clock, counters }, (each) => each.flush(map, 0))
    return { clock, counters, map, link, summaries: () => sent.filter(({ t }) => t === 'summary'), sent }
  }

  test('are sent at once a few times, then once a second and not at all unasked', async () => {
    const { clock, map, link, summaries } = setup()
    const ask = (): void => {
      link.oweSummary()
      link.flush(map, 0)
    }
    for (let n = 0; n < 100; n += 1) ask()
    expect(summaries()).toHaveLength(4)
    await clock.advance(1_000)
    expect(summaries()).toHaveLength(5)
    await clock.advance(10_000)
    expect(summaries()).toHaveLength(5)
    ask()
    expect(summaries()).toHaveLength(6)
  })

  test('that wait go with the link', async () => {
    const { clock, map, link } = setup()
    for (let n = 0; n < 5; n += 1) {
      link.oweSummary()
      link.flush(map, 0)
    }
    expect(clock.pending).toBe(1)
    link.closed()
    expect(clock.pending).toBe(0)
  })

  test('of more contexts than a message lists are cut off, and counted', () => {
    const { counters, map, link, summaries } = setup()
    for (let n = 0; n < 16_386; n += 1) map.apply(entry(`c${n}`, 1, {}), 0)
    link.begin(map)
    expect(summaries()).toMatchObject([{ versions: { length: 16_384 } }])
    expect(counters.get('membership.summary.cut-off')).toBe(2)
  })
})

test('what a message makes us do is charged: entries, questions, lists, and a digest that differs', () => {
  const map = new StateMap(crypto, 'self', 30_000)
  for (let n = 0; n < 160; n += 1) map.apply(entry(`c${n}`, 1, {}), 0)
  const list = Array.from({ length: 32 }, (_, n) => `c${n}`)
  const record = { age: 0, head: new Uint8Array(), signature: new Uint8Array(), body: undefined, membership: undefined }
  const costs: [StateMessage, number][] = [
    [{ t: 'entries', records: [record, record] }, 3],
    [{ t: 'challenge', nonce: A }, 100],
    [{ t: 'alive', nonce: A, alive: alive(A) }, 1],
    [{ t: 'summary', members: '', versions: list.map((context) => [context, 1] as const) }, 3],
    [{ t: 'want', contexts: list }, 3],
    [{ t: 'acks', acks: list.map((context) => [context, 1, 'by'] as const) }, 3],
    [{ t: 'digest', members: '', map: '' }, 1],
    [{ t: 'digest', members: '', map: map.digest }, 1],
    [{ t: 'digest', members: '', map: HEX }, 11],
  ]
  for (const [message, cost] of costs) expect(costOf(message, map), message.t).toBe(cost)
})

describe('a link to a neighbour', () => {
  const setup = () => {
    const clock = new VirtualClock()
    const ports = { clock, random: new SeededRandom(1), crypto, logger: silentLogger, counters: new Counters() }
    const { made, sent } = stream()
    return { clock, ports, sent, link: linkOver(made, ports), map: new StateMap(crypto, 'self', 30_000) }
  }

  test('tells who answers a challenge from who does not, and settles all when it closes', async () => {
    const { clock, ports, link, sent } = setup()
    const [answered, silent] = [link.challenge(ports, A, 100), link.challenge(ports, B, 100)]
    expect(sent).toEqual([
      { t: 'challenge', nonce: A },
      { t: 'challenge', nonce: B },
    ])
    link.answered(crypto, A, alive(A))
    link.answered(crypto, C, alive(C))
    await clock.advance(100)
    expect([await answered, await silent]).toEqual([alive(A), undefined])
    const open = link.challenge(ports, C, 100)
    link.closed()
    expect([await open, clock.pending]).toEqual([undefined, 0])
  })

  test.each([
    ['an answer to another nonce', () => alive(B)],
    ['an answer by another key', () => signLife((bytes) => keyOf(4).sign(bytes), idOf(3), HEX, A)],
    ['an answer of another life than the linked one', () => alive(A, '1'.repeat(32))],
  ])('believes no sign of life but its own: %s', async (_what, answer) => {
    const { clock, ports, link } = setup()
    const asked = link.challenge(ports, A, 100)
    link.answered(crypto, A, answer())
    await clock.advance(100)
    expect(await asked).toBeUndefined()
  })

  test('asked the same twice, waits for one answer and leaves neither question hanging', async () => {
    const { clock, ports, link } = setup()
    const [first, second] = [link.challenge(ports, A, 100), link.challenge(ports, A, 100)]
    link.answered(crypto, A, alive(A))
    expect([await first, await second, clock.pending]).toEqual([undefined, alive(A), 0])
  })

  test('awaits what the neighbour lists and we lack, until it comes, in that version or a later one', () => {
    const { link, map } = setup()
    link.summary([['a', 5]], map)
    expect(link.isSynced).toBe(false)
    link.arrived('b', 9)
    link.arrived('a', 4)
    expect([...link.missing]).toEqual([['a', 5]])
    link.arrived('a', 6)
    expect(link.isSynced).toBe(true)
  })

  test('asks for what a later summary lists, and forgets what was listed before', () => {
    const { link, map, sent } = setup()
    link.summary([['a', 5]], map)
    link.summary([['b', 1]], map)
    expect([...link.missing]).toEqual([['b', 1]])
    link.flush(map, 0)
    expect(sent).toContainEqual({ t: 'want', contexts: ['b'] })
  })

  test('passes on the latest of a member’s acknowledgements only', () => {
    const { link, map, sent } = setup()
    for (const version of [3, 5, 4]) link.acknowledge(['owner', version, 'by'])
    link.flush(map, 0)
    expect(sent.filter(({ t }) => t === 'acks')).toEqual([{ t: 'acks', acks: [['owner', 5, 'by']] }])
  })
})

test('what a neighbour lists again and again is asked for once a turn', () => {
  const map = new StateMap(crypto, 'self', 30_000)
  const { made, sent } = stream()
  const link = linkOver(made, { clock: new VirtualClock(), counters: new Counters() })
  link.learn('a', 3, 'body', 'membership')
  link.learn('a', 2, 'older body')
  link.summary([['a', 3]], map)
  link.summary([['a', 3]], map)
  link.flush(map, 0)
  link.flush(map, 0)
  expect(sent.filter(({ t }) => t === 'want')).toEqual([{ t: 'want', contexts: ['a'] }])
})
