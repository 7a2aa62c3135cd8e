import { describe, expect, test } from 'vitest'
import { encodeHello, HELLO_PROTOCOL } from '../../../src/membership/hello-message.ts'
import type { MessageStream } from '../../../src/network/network.ts'
import { FakeMesh, idOf, type NodeOptions } from './fake-mesh.ts'

const ZEROS = '0'.repeat(32)
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Node 1 in a good mesh, and node 2 joining with something wrong. */
async function joinWrongly(options: NodeOptions) {
  const mesh = new FakeMesh()
  const [host] = await mesh.grow(1)
  const guest = await mesh.node(2, { addresses: ['/node/1'], ...options })
  const failure = await mesh.run(
    guest.members.start().then(
      () => undefined,
      (error: { code: string }) => error.code,
    ),
  )
  await mesh.clock.advance(100)
  return { mesh, host: host!, guest, failure }
}

describe('hello', () => {
  test.each([
    ['ERR_WRONG_MESH', { mesh: 'another' }],
    ['ERR_NOT_A_MEMBER', { membership: 'stranger' }],
    ['ERR_MEMBERSHIP_EXPIRED', { membership: 'expired' }],
    ['ERR_CLOCK_SKEW', { skew: 3_600_000 }],
    ['ERR_CLOCK_SKEW', { skew: -3_600_000 }],
    ['ERR_CLOCK_SKEW', { skew: 31_000 }],
    ['ERR_CLOCK_SKEW', { skew: -121_000 }],
  ] as const)('SE-1 refuses with %s, at both ends, counts it and ends the link: %o', async (code, options) => {
    const { host, guest, failure } = await joinWrongly(options)
    expect(failure).toBe(code)
    const counts = { ...host.ports.counters.snapshot(), ...guest.ports.counters.snapshot() }
    expect(Object.keys(counts).filter((name) => name.endsWith(code)).length).toBeGreaterThan(0)
    expect(host.network.peers).toEqual([])
    expect(host.members.present).toEqual([])
    expect(guest.members.present).toEqual([])
  })

  test.each([{ skew: 29_000 }, { skew: -29_000 }])('lets a clock be a little wrong: %o', async (options) => {
    const { host, failure } = await joinWrongly(options)
    expect(failure).toBeUndefined()
    expect(host.members.present).toEqual([idOf(2)])
  })

  test('does not dial a mesh that refused in a loop', async () => {
    const { mesh, guest } = await joinWrongly({ mesh: 'another' })
    const before = guest.network.dialled.length
    await mesh.clock.advance(60_000)
    expect(guest.network.dialled.length - before).toBeLessThan(15)
  })

  test('goes on to the next address when the first one refuses', async () => {
    const mesh = new FakeMesh()
    const stranger = await mesh.node(1, { mesh: 'another' })
    const friend = await mesh.node(2)
    for (const { members } of [stranger, friend]) await mesh.run(members.start())
    const guest = await mesh.node(3, { addresses: ['/node/1', '/node/2'] })
    await mesh.run(guest.members.start())
    expect(guest.members.present).toEqual([idOf(2)])
  })

  test('serves nothing but hello before admission', async () => {
    const mesh = new FakeMesh()
    await mesh.grow(1)
    const outsider = mesh.swarm.join(idOf(9), '/outside')
    await outsider.dial('/node/1')
    const opening = outsider.streams.open(idOf(1), '/amcp/state/1')
    await expect(mesh.run(opening)).rejects.toMatchObject({ code: 'ERR_PROTOCOL_REFUSED' })
  })

  test('holds a hello that comes before start, and answers it at start', async () => {
    const mesh = new FakeMesh()
    const early = await mesh.node(2)
    const guest = await mesh.node(1, { addresses: ['/node/2'] })
    const joined = guest.members.start()
    await mesh.clock.advance(50)
    expect(guest.members.present).toEqual([])
    await mesh.run(early.members.start())
    await mesh.run(joined)
    expect(guest.members.present).toEqual([idOf(2)])
  })

  test('refuses a hello after stop', async () => {
    const mesh = new FakeMesh()
    const [host] = await mesh.grow(1)
    await mesh.run(host!.members.stop())
    const outsider = mesh.swarm.join(idOf(9), '/outside')
    await outsider.dial('/node/1')
    const stream = await mesh.run(outsider.streams.open(idOf(1), HELLO_PROTOCOL, { beforeAdmission: true }))
    let isClosed = false
    stream.onClose(() => {
      isClosed = true
    })
    await mesh.clock.advance(100)
    expect(isClosed).toBe(true)
  })

  describe('from a peer that speaks it by hand', () => {
    const good = {
      t: 'hello' as const,
      versions: [1],
      mesh: 'mesh',
      membership: 'member',
      incarnation: '1'.repeat(32),
      time: 0,
      seen: null,
      members: ZEROS,
      addresses: [],
      summary: ZEROS,
      nonce: '2'.repeat(32),
    }

    /** Sends messages to a host by hand; what came back, and whether the link still stands. */
    async function say(...messages: ((now: number) => Uint8Array)[]) {
      const mesh = new FakeMesh()
      const [host] = await mesh.grow(1)
      const outsider = mesh.swarm.join(idOf(9), '/outside')
      const answers: string[] = []
      outsider.streams.handle(HELLO_PROTOCOL, () => {}, { beforeAdmission: true })
      await outsider.dial('/node/1')
      const stream: MessageStream = await mesh.run(
        outsider.streams.open(idOf(1), HELLO_PROTOCOL, { beforeAdmission: true }),
      )
      stream.onMessage((message) => answers.push(text(message)))
      for (const message of messages) stream.send(message(mesh.clock.now()))
      await mesh.clock.advance(5_000)
      return { host: host!, answers, isLinked: outsider.isConnected(idOf(1)) }
    }

    const hello = (changes: object) => (now: number) => encodeHello({ ...good, time: now, ...changes })

    test('tells it when no protocol version fits', async () => {
      const { answers, isLinked } = await say(hello({ versions: [7] }))
      expect(JSON.parse(answers[0]!)).toMatchObject({ t: 'refused', code: 'ERR_VERSION_UNSUPPORTED' })
      expect(isLinked).toBe(false)
    })

    test('takes a neighbouring version beside its own', async () => {
      const { answers } = await say(hello({ versions: [2, 1] }))
      expect(JSON.parse(answers[0]!)).toMatchObject({ t: 'hello', mesh: 'mesh' })
    })

    test.each([
      ['no JSON', () => new TextEncoder().encode('{')],
      ['no UTF-8', () => Uint8Array.of(0xff, 0xfe)],
      ['too long', () => new Uint8Array(40_000)],
      ['a field missing', hello({ nonce: undefined })],
      ['a digest that is none', hello({ members: 'x' })],
      ['versions that are none', hello({ versions: ['1'] })],
      ['addresses that are none', hello({ addresses: [1] })],
      ['a mesh that is none', hello({ mesh: 1 })],
      ['seen without heads', hello({ seen: { incarnation: ZEROS, version: 1 } })],
      [
        'a reason for a log that is a book',
        () => encodeHello({ t: 'refused', code: 'ERR_WRONG_MESH', message: 'x'.repeat(1_025) }),
      ],
      ['more addresses than anybody has', hello({ addresses: Array.from({ length: 65 }, () => '/a') })],
      ['a welcome first', () => encodeHello({ t: 'welcome', nonce: ZEROS })],
      ['a number', () => new TextEncoder().encode('1')],
    ])('refuses what is malformed: %s', async (_why, message) => {
      const { host, answers, isLinked } = await say(message)
      expect(JSON.parse(answers[0]!)).toMatchObject({ t: 'refused', code: 'ERR_PROTOCOL_REFUSED' })
      expect(isLinked).toBe(false)
      expect(host.ports.counters.get('membership.hello.refused.ERR_PROTOCOL_REFUSED')).toBe(1)
    })

    test('does not admit a welcome with a nonce that is not its own', async () => {
      const { host, isLinked } = await say(hello({}), () => encodeHello({ t: 'welcome', nonce: ZEROS }))
      expect(isLinked).toBe(false)
      expect(host.network.isAdmitted(idOf(9))).toBe(false)
    })

    test('gives up on a peer that falls silent, after the time for hello', async () => {
      const { host, isLinked } = await say(hello({}))
      expect(isLinked).toBe(false)
      expect(host.ports.counters.get('membership.hello.failed')).toBeGreaterThan(0)
    })

    test('gives up on a peer that floods', async () => {
      const { host, isLinked } = await say(...Array.from({ length: 9 }, () => hello({})))
      expect(isLinked).toBe(false)
      expect(host.network.isAdmitted(idOf(9))).toBe(false)
    })

    test('hears a refusal without answering it', async () => {
      const { host, answers } = await say(() => encodeHello({ t: 'refused', code: 'ERR_WRONG_MESH', message: 'no' }))
      expect(answers).toEqual([])
      expect(host.ports.counters.get('membership.hello.refused-by-peer.ERR_WRONG_MESH')).toBe(1)
    })

    test('does not believe a refusal code that hello does not have', async () => {
      const { answers } = await say(() => new TextEncoder().encode('{"t":"refused","code":"ERR_X","message":""}'))
      expect(JSON.parse(answers[0]!)).toMatchObject({ code: 'ERR_PROTOCOL_REFUSED' })
    })
  })
})
