import { describe, expect, test } from 'vitest'
import { encodeHello, HELLO_PROTOCOL, type HelloMessage } from '../../src/membership/hello-message.ts'
import { signLife } from '../../src/membership/sign-of-life.ts'
import type { StateEntry } from '../../src/membership/state-entry.ts'
import { encodeMessage } from '../../src/membership/state-messages.ts'
import type { MessageStream } from '../../src/network/network.ts'
import { hex, recordOf, session } from '../unit/membership/by-hand.ts'
import { FakeMesh, idOf, keyOf, type Node } from '../unit/membership/fake-mesh.ts'

const encoder = new TextEncoder()
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const strangersHello = {
  t: 'hello' as const,
  versions: [1],
  mesh: 'mesh',
  membership: 'stranger',
  incarnation: hex('1'),
  time: 0,
  seen: null,
  members: hex('0'),
  addresses: [],
  summary: hex('0'),
  nonce: hex('2'),
}

/** A stranger linked to the host, who says one thing on a hello stream of his own and one when he is greeted. */
async function stranger(host: Node, mesh: FakeMesh, n: number, answer: (nonce: string) => HelloMessage) {
  const network = mesh.swarm.join(idOf(n), `/stranger/${n}`)
  network.streams.handle(
    HELLO_PROTOCOL,
    (stream) => stream.onMessage((bytes) => stream.send(encodeHello(answer(JSON.parse(textOf(bytes)).nonce)))),
    { beforeAdmission: true },
  )
  await network.dial(host.network.address)
  await mesh.clock.advance(2_000)
  return network
}

describe('ERR_DUPLICATE_IDENTITY as a weapon', () => {
  const refused = { t: 'refused', code: 'ERR_DUPLICATE_IDENTITY', message: 'stop' } as const

  test('a stranger cannot stop a context by saying that it lives twice', async () => {
    const mesh = new FakeMesh()
    const [host] = await mesh.grow(1)
    for (const n of [2, 3, 4, 5]) await stranger(host!, mesh, n, () => refused)
    const network = mesh.swarm.join(idOf(9), '/outside')
    await network.dial('/node/1')
    const stream = await mesh.run(network.streams.open(idOf(1), HELLO_PROTOCOL, { beforeAdmission: true }))
    stream.send(encodeHello(refused))
    await mesh.clock.advance(2_000)
    expect(host!.faults).toEqual([])
    expect(host!.ports.counters.get('membership.hello.duplicate-unproved')).toBeGreaterThan(1)
  })

  test.each([
    ['signed by another key', (nonce: string) => signLife((bytes) => keyOf(2).sign(bytes), idOf(1), hex('e'), nonce)],
    ['for another hello', () => signLife((bytes) => keyOf(1).sign(bytes), idOf(1), hex('e'), hex('3'))],
  ])('nor by a sign of life %s', async (_what, alive) => {
    const mesh = new FakeMesh()
    const [host] = await mesh.grow(1)
    for (const n of [2, 3, 4, 5]) await stranger(host!, mesh, n, (nonce) => ({ ...refused, alive: alive(nonce) }))
    expect(host!.faults).toEqual([])
    expect(host!.ports.counters.get('membership.hello.duplicate-unproved')).toBeGreaterThan(0)
  })

  test('nor by the sign of life of the very process that it was asked of', async () => {
    const mesh = new FakeMesh()
    const [host] = await mesh.grow(1)
    const own = Buffer.from(host!.members.incarnation).toString('hex')
    const sign = (nonce: string) => signLife((bytes) => keyOf(1).sign(bytes), idOf(1), own, nonce)
    for (const n of [2, 3, 4, 5]) await stranger(host!, mesh, n, (nonce) => ({ ...refused, alive: sign(nonce) }))
    expect(host!.faults).toEqual([])
  })

  test('only by what another process under its key has signed for its own hello', async () => {
    const mesh = new FakeMesh()
    const [host] = await mesh.grow(1)
    const sign = (nonce: string) => signLife((bytes) => keyOf(1).sign(bytes), idOf(1), hex('e'), nonce)
    for (const n of [2, 3, 4, 5]) await stranger(host!, mesh, n, (nonce) => ({ ...refused, alive: sign(nonce) }))
    expect(host!.faults.map(({ code }) => code)).toEqual(['ERR_DUPLICATE_IDENTITY'])
  })
})

test('a stranger that dials a joining context and refuses it does not fail its start', async () => {
  const mesh = new FakeMesh()
  const guest = await mesh.node(1, { addresses: ['/nobody/yet'] })
  const started = guest.members.start()
  for (const n of [2, 3, 4]) {
    const network = mesh.swarm.join(idOf(n), `/stranger/${n}`)
    await network.dial('/node/1')
    const stream = await mesh.run(network.streams.open(idOf(1), HELLO_PROTOCOL, { beforeAdmission: true }))
    stream.send(encodeHello({ t: 'refused', code: 'ERR_NOT_A_MEMBER', message: 'go away' }))
  }
  await mesh.run(started)
  expect(guest.members.present).toEqual([])
})

test('a stranger does not hold a link by being refused again and again', async () => {
  const mesh = new FakeMesh()
  const [host] = await mesh.grow(1)
  const network = mesh.swarm.join(idOf(9), '/outside')
  const say = (stream: MessageStream): void => {
    if (stream.isOpen) stream.send(encodeHello({ ...strangersHello, time: mesh.clock.now() }))
  }
  network.streams.handle(HELLO_PROTOCOL, (stream) => stream.onMessage(() => say(stream)), { beforeAdmission: true })
  let ended = -1
  network.onPeer({
    disconnected: () => {
      if (ended < 0) ended = mesh.clock.monotonic() - began
    },
  })
  const began = mesh.clock.monotonic()
  await network.dial('/node/1')
  // One hello after the other, so that there is always one under way when the refused one's grace is over.
  for (let step = 0; step < 100 && network.isConnected(idOf(1)); step += 1) {
    const stream = await mesh.run(network.streams.open(idOf(1), HELLO_PROTOCOL, { beforeAdmission: true }))
    mesh.clock.after(240, () => say(stream))
    await mesh.clock.advance(100)
  }
  expect(network.isConnected(idOf(1))).toBe(false)
  expect(ended).toBeLessThan(8_100)
  expect(host!.ports.counters.get('membership.hello.overdue')).toBe(1)
})

describe('a hostile neighbour on the state protocol', () => {
  test('cannot lift the version of another by saying what it has seen of it', async () => {
    const { mesh, host, heard, say } = await session({
      seen: { incarnation: hex('e'), version: 2 ** 53 - 1, heads: {} },
    })
    await mesh.run(host.members.announcePatterns(['a.>']))
    await say({ t: 'want', contexts: [idOf(1)] })
    const records = heard.flatMap((message) => (message.t === 'entries' ? message.records : []))
    expect(records.length).toBeGreaterThan(0)
    for (const { head } of records) expect(JSON.parse(textOf(head))[3]).toBeLessThan(mesh.clock.now() + 1_000)
  })

  test('cannot fill the map with strangers that "leave", which no membership covers', async () => {
    const { host, heard, say, own } = await session()
    heard.length = 0
    const entry = own(5).issue({ left: true })
    const stranger = encoder.encode('stranger')
    await say({ t: 'entries', records: [recordOf(entry, { membership: stranger })] })
    // As its head would name it.
    const six = own(6, { membership: 'stranger' })
    await say({ t: 'entries', records: [recordOf(six.issue({ left: true }), { membership: stranger })] })
    expect(host.ports.counters.get('membership.entry.refused.ERR_NOT_A_MEMBER')).toBe(1)
    heard.length = 0
    await say({ t: 'digest', members: hex('0'), map: hex('f') })
    const summary = heard.find(({ t }) => t === 'summary')
    expect(summary?.t === 'summary' && summary.versions.map(([context]) => context)).toEqual([idOf(1)])
  })

  test('a member may leave with the membership that was good before and has expired since', async () => {
    const { host, say, own } = await session()
    const words = { five: 'member' }
    const five = own(5, { words: () => words.five })
    await say({ t: 'entries', records: [recordOf(five.issue({}))] })
    expect(host.members.present).toContain(idOf(5))
    await say({ t: 'entries', records: [recordOf(five.issue({ left: true }))] })
    expect(host.members.present).not.toContain(idOf(5))
  })

  test('that passes on what nobody signed is heard no further', async () => {
    const { host, say, own, line } = await session()
    const forged = (n: number) => recordOf(own(n).issue({}), { signature: new Uint8Array(64) })
    await say({ t: 'entries', records: [forged(5), forged(6), forged(7), recordOf(own(8).issue({}))] })
    expect(host.ports.counters.get('membership.entry.refused.ERR_SIGNATURE_INVALID')).toBe(1)
    expect(host.members.present).not.toContain(idOf(8))
    expect(line.isOpen).toBe(false)
  })

  test('cannot make a dead member young again: its version says when it was signed last', async () => {
    const { mesh, host, say, own } = await session()
    const entry = own(5).issue({})
    await mesh.clock.advance(149_000)
    await say({ t: 'entries', records: [recordOf(entry, { age: 0 })] })
    expect(host.members.present).toContain(idOf(5))
    await mesh.clock.advance(2_000)
    await say({ t: 'entries', records: [recordOf(entry, { age: 0 })] })
    await mesh.clock.advance(40_000)
    expect(host.members.present).not.toContain(idOf(5))
    await say({ t: 'entries', records: [recordOf(entry, { age: 0 })] })
    expect(host.members.present).not.toContain(idOf(5))
    expect(host.ports.counters.get('membership.entry.too-old')).toBeGreaterThan(0)
  })

  test('is not waited for when it acknowledges for those that are not there, or what was never issued', async () => {
    const { host, say } = await session()
    await say({
      t: 'acks',
      acks: Array.from({ length: 1_000 }, (_, n) => [idOf(1), 1, `nobody ${n}`] as const),
    })
    await say({ t: 'acks', acks: [[idOf(1), 2 ** 53 - 1, idOf(9)]] })
    expect(host.ports.counters.get('membership.ack.impossible')).toBe(1_001)
  })

  test('that sends more than anybody needs to is not listened to meanwhile, and is later', async () => {
    const { mesh, host, heard, say } = await session()
    const challenge = { t: 'challenge', nonce: hex('a') } as const
    await say(...Array.from({ length: 300 }, () => challenge))
    expect(host.ports.counters.get('membership.state.rate')).toBeGreaterThan(50)
    await mesh.clock.advance(10_000)
    heard.length = 0
    await say(challenge)
    expect(heard.filter(({ t }) => t === 'alive')).toHaveLength(1)
  })

  test('that asks for the map and does not read it has us put by nothing, and is told it once when it reads', async () => {
    const { mesh, host, heard, say } = await session()
    const out = host.network.opened.findLast(({ protocol }) => protocol.includes('state'))!
    out.isFull = true
    const digest = (n: number) => ({ t: 'digest' as const, members: hex('0'), map: n.toString(16).padStart(32, '0') })
    await say(digest(0))
    heard.length = 0
    for (let turn = 1; turn <= 20; turn += 1)
      await say(...Array.from({ length: 100 }, (_, n) => digest(turn * 100 + n)))
    expect(heard).toEqual([])
    out.drain()
    await mesh.clock.advance(50)
    expect(heard.filter(({ t }) => t === 'summary')).toHaveLength(1)
  })

  test('heads without a membership are asked about, and nothing is kept of who signed them', async () => {
    const { host, heard, say, own } = await session()
    const bare = (entry: StateEntry) => recordOf(entry, { body: undefined, membership: undefined })
    await say({ t: 'entries', records: Array.from({ length: 20 }, (_, n) => bare(own(100 + n).issue({}))) })
    const wanted = heard.flatMap((message) => (message.t === 'want' ? message.contexts : []))
    expect(wanted).toHaveLength(20)
    expect(host.members.present).not.toContain(idOf(100))
  })

  test.each([
    ['more contexts than any mesh has', { t: 'want', contexts: Array.from({ length: 16_385 }, () => 'x') }],
    ['a context id of a megabyte', { t: 'summary', members: '', versions: [['x'.repeat(1_000_000), 1]] }],
    ['a challenge that would sign something else', { t: 'challenge', nonce: '["amcp-state/1"' }],
    ['a sign of life that is none', { t: 'alive', nonce: hex('a'), alive: { incarnation: hex('a'), signature: 'x' } }],
    ['no sign of life', { t: 'alive', nonce: hex('a'), alive: null }],
  ])('ends its stream with %s', async (_what, message) => {
    const { mesh, host, line } = await session()
    line.send(encoder.encode(JSON.stringify(message)))
    await mesh.clock.advance(50)
    expect(line.isOpen).toBe(false)
    expect(host.ports.counters.get('membership.state.malformed')).toBe(1)
  })

  test('cannot make everybody keep more patterns than a summary has', async () => {
    const { host, say, own } = await session()
    const five = own(5)
    five.change({ patterns: Array.from({ length: 600 }, (_, n) => `amcp.${'a.'.repeat(25)}n${n}`) })
    await say({ t: 'entries', records: [recordOf(five.issue({}))] })
    expect(host.members.present).not.toContain(idOf(5))
    expect(host.ports.counters.get('membership.entry.refused.ERR_FRAME_INVALID')).toBe(1)
  })
})

test('a message of the state protocol has room for the largest entry', () => {
  const record = {
    age: 0,
    head: new Uint8Array(1_024),
    signature: new Uint8Array(64),
    body: new Uint8Array(1_048_576),
    membership: new Uint8Array(16_384),
  }
  expect(encodeMessage({ t: 'entries', records: [record] }).length).toBeLessThan(4 * 1_048_576)
})
