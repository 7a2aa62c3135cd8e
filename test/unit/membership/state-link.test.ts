import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { signLife } from '../../../src/membership/sign-of-life.ts'
import { StateLink } from '../../../src/membership/state-link.ts'
import { StateMap } from '../../../src/membership/state-map.ts'
import { decodeMessage, type StateMessage } from '../../../src/membership/state-messages.ts'
import type { MessageStream } from '../../../src/network/network.ts'
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

test('a stream that is full holds back what gathers, and says once when it has room again', async () => {
  const { made, sent } = stream()
  const room = Promise.withResolvers<void>()
  const full = { send: (bytes: Uint8Array) => sent.push(decodeMessage(bytes)) === 0, drained: () => room.promise }
  const map = new StateMap(crypto, 'self', 30_000)
  const drained: StateLink[] = []
  const ports = { clock: new VirtualClock(), counters: new Counters() }
  const link = linkOver(Object.assign(made, full), ports, (each) => {
    drained.push(each)
    each.flush(map, 0)
  })
  link.send({ t: 'want', contexts: ['a'] })
  link.send({ t: 'want', contexts: ['b'] })
  link.want('c')
  link.flush(map, 0)
  expect(sent.map(({ t }) => t)).toEqual(['want', 'want'])
  room.resolve()
  await room.promise
  expect(drained).toEqual([link])
  expect(sent).toContainEqual({ t: 'want', contexts: ['c'] })
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
  linkOver(made, { clock: new VirtualClock(), counters }).send({ t: 'want', contexts: ['a'] })
  expect([ends, counters.get('membership.state.unsent')]).toEqual([[broken], 1])
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
