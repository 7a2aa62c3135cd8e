import { describe, expect, test } from 'vitest'
import { provesLife } from '../../../src/membership/sign-of-life.ts'
import { encodeBody } from '../../../src/membership/state-body.ts'
import type { StateEntry } from '../../../src/membership/state-entry.ts'
import { encodeHead } from '../../../src/membership/state-entry.ts'
import type { StateMessage } from '../../../src/membership/state-messages.ts'
import { hex, recordOf, session } from './by-hand.ts'
import { agentOf, crypto, idOf, keyOf } from './fake-mesh.ts'

const entriesIn = (heard: readonly StateMessage[]) =>
  heard.flatMap((message) => (message.t === 'entries' ? message.records : []))

describe('the state protocol', () => {
  test('begins with a summary, and sends in full what the other end has not got', async () => {
    const { heard, say } = await session()
    expect(heard[0]).toMatchObject({ t: 'summary', versions: [[idOf(1), expect.any(Number)]] })
    await say({ t: 'summary', members: hex('0'), versions: [] })
    expect(entriesIn(heard).at(-1)).toMatchObject({ body: expect.any(Uint8Array), membership: expect.any(Uint8Array) })
  })

  test('writes a body as JSON: addresses, patterns, offers', () => {
    const agent = '4518017f-0340-8b00-8000-000000000001'
    const offers = [{ agent, capability: 'c', version: '1.0.0', cost: 2 }]
    const bytes = encodeBody({ addresses: ['/ip4/127.0.0.1/tcp/1'], patterns: ['amcp.domain.*', 'b.>'], offers })
    expect(new TextDecoder().decode(bytes)).toBe(
      `{"a":["/ip4/127.0.0.1/tcp/1"],"p":["amcp.domain.*","b.>"],"o":[["c","1.0.0","",2,["${agent}"]]]}`,
    )
  })

  test('takes an entry from a relay, because its owner signed it', async () => {
    const { host, say, own } = await session()
    await say({ t: 'entries', records: [recordOf(own(5).issue({}))] })
    expect(host.members.present).toContain(idOf(5))
  })

  test.each([
    [
      'a signature by another key',
      (entry: StateEntry) => ({ signature: keyOf(9).sign(entry.headBytes) }),
      'ERR_SIGNATURE_INVALID',
    ],
    [
      'a body that the head does not name',
      () => ({ body: encodeBody({ addresses: [], patterns: ['>'], offers: [] }) }),
      'ERR_FRAME_INVALID',
    ],
    [
      'a membership that the head does not name',
      () => ({ membership: new TextEncoder().encode('member too') }),
      'ERR_FRAME_INVALID',
    ],
    ['a head that is none', () => ({ head: new TextEncoder().encode('[]') }), 'ERR_FRAME_INVALID'],
  ] as const)('refuses and counts %s', async (_what, change, code) => {
    const { host, say, own } = await session()
    const entry = own(5).issue({})
    await say({ t: 'entries', records: [recordOf(entry, change(entry))] })
    expect(host.members.present).not.toContain(idOf(5))
    expect(host.ports.counters.get(`membership.entry.refused.${code}`)).toBe(1)
  })

  test('refuses an entry signed by a context id that names no key', async () => {
    const { host, say, own } = await session()
    const entry = own(5).issue({})
    const head = { ...entry.head, context: 'nobody' }
    await say({ t: 'entries', records: [recordOf(entry, { head: encodeHead(head) })] })
    expect(host.ports.counters.get('membership.entry.refused.ERR_SIGNATURE_INVALID')).toBe(1)
  })

  test('refuses a body with a pattern that breaks the grammar, though a member signed it', async () => {
    const { host, say, own } = await session()
    const five = own(5)
    five.change({ patterns: [`${'x.'.repeat(80)}x`] })
    await say({ t: 'entries', records: [recordOf(five.issue({}))] })
    expect(host.members.present).not.toContain(idOf(5))
    expect(host.ports.counters.get('membership.entry.refused.ERR_TOPIC_INVALID')).toBe(1)
  })

  test('asks for the body and the membership that it lacks, and takes them then', async () => {
    const { host, heard, say, own } = await session()
    const entry = own(5).issue({})
    await say({ t: 'entries', records: [recordOf(entry, { body: undefined })] })
    expect(heard).toContainEqual({ t: 'want', contexts: [idOf(5)] })
    expect(host.members.present).not.toContain(idOf(5))
    await say({ t: 'entries', records: [recordOf(entry)] })
    expect(host.members.present).toContain(idOf(5))
  })

  test('a renewal needs neither body nor membership again', async () => {
    const { host, say, own } = await session()
    const five = own(5)
    five.change({ patterns: ['a.>'] })
    await say({ t: 'entries', records: [recordOf(five.issue({}))] })
    await say({ t: 'entries', records: [recordOf(five.issue({}), { body: undefined, membership: undefined })] })
    expect(host.members.present).toContain(idOf(5))
    expect(host.ports.counters.snapshot()).not.toHaveProperty('membership.entry.refused.ERR_FRAME_INVALID')
  })

  test('sends in full what is wanted, and nothing for what it has not got', async () => {
    const { heard, say } = await session()
    heard.length = 0
    await say({ t: 'want', contexts: [idOf(1), idOf(44)] })
    expect(entriesIn(heard)).toHaveLength(1)
    expect(entriesIn(heard)[0]!.body).toBeDefined()
  })

  test('acknowledges what asks for it, to the neighbour that brought it, once', async () => {
    const { heard, say, own } = await session()
    const entry = own(5).issue({ acknowledge: true })
    await say({ t: 'entries', records: [recordOf(entry)] })
    await say({ t: 'entries', records: [recordOf(entry)] })
    const acks = heard.flatMap((message) => (message.t === 'acks' ? message.acks : []))
    expect(acks).toEqual([[idOf(5), entry.head.version, idOf(1)]])
  })

  test('does not acknowledge a renewal that does not ask for it', async () => {
    const { heard, say, own } = await session()
    await say({ t: 'entries', records: [recordOf(own(5).issue({}))] })
    expect(heard.some(({ t }) => t === 'acks')).toBe(false)
  })

  test('hands acknowledgements for others back the way the entry came, and counts those without one', async () => {
    const { host, heard, say, own } = await session()
    await say({ t: 'entries', records: [recordOf(own(5).issue({})), recordOf(own(6).issue({}))] })
    await say({
      t: 'acks',
      acks: [
        [idOf(5), 1, idOf(6)],
        [idOf(5), 3, idOf(6)],
        [idOf(5), 2, idOf(6)],
      ],
    })
    expect(heard.flatMap((message) => (message.t === 'acks' ? message.acks : []))).toEqual([[idOf(5), 3, idOf(6)]])
    await say({ t: 'acks', acks: [[idOf(33), 1, idOf(6)]] })
    expect(host.ports.counters.get('membership.ack.impossible')).toBe(1)
  })

  test('answers a challenge', async () => {
    const { heard, say } = await session()
    await say({ t: 'challenge', nonce: hex('a') })
    const answer = heard.find(({ t }) => t === 'alive')
    if (answer?.t !== 'alive') throw new Error('no answer')
    expect(answer.nonce).toBe(hex('a'))
    expect(provesLife(crypto, idOf(1), hex('a'), answer.alive)).toBe(true)
    expect(provesLife(crypto, idOf(1), hex('b'), answer.alive)).toBe(false)
  })

  test('an answer that nobody asked for harms nobody', async () => {
    const { host, say, line } = await session()
    await say({ t: 'alive', nonce: hex('a'), alive: { incarnation: hex('7'), signature: 'a'.repeat(128) } })
    expect(line.isOpen).toBe(true)
    expect(host.ports.counters.get('membership.state.malformed')).toBe(0)
  })

  test('a digest that differs is answered with a summary, an equal or empty one is not', async () => {
    const { heard, say } = await session()
    heard.length = 0
    await say({ t: 'digest', members: hex('0'), map: '' })
    expect(heard.some(({ t }) => t === 'summary')).toBe(false)
    await say({ t: 'digest', members: hex('0'), map: hex('f') })
    expect(heard.some(({ t }) => t === 'summary')).toBe(true)
  })

  test('what a later summary lists and is missing here is asked for', async () => {
    const { host, heard, say } = await session()
    await say({ t: 'summary', members: hex('0'), versions: [] })
    heard.length = 0
    await say({ t: 'summary', members: hex('0'), versions: [[idOf(5), 4]] })
    expect(heard).toContainEqual({ t: 'want', contexts: [idOf(5)] })
    expect(host.members.isConverged).toBe(false)
  })

  test('what was listed and then refused does not keep the mesh from converging for ever', async () => {
    const { host, say, own } = await session()
    const five = own(5)
    const entry = five.issue({})
    const mine = own(9).issue({})
    await say({ t: 'entries', records: [recordOf(mine)] })
    await say({ t: 'summary', members: hex('0'), versions: [[idOf(5), entry.head.version]] })
    await say({ t: 'entries', records: [recordOf(entry, { membership: new TextEncoder().encode('stranger') })] })
    const members = crypto.sha256(new TextEncoder().encode([idOf(1), idOf(9)].sort().join('\n')))
    await say({ t: 'digest', members: Buffer.from(members.subarray(0, 16)).toString('hex'), map: '' })
    expect(host.members.isConverged).toBe(true)
  })

  test('an entry that is older than its life is not taken, so that nobody keeps the dead alive', async () => {
    const { host, say, own } = await session()
    await say({ t: 'entries', records: [recordOf(own(5).issue({}), { age: 30_001 })] })
    expect(host.members.present).not.toContain(idOf(5))
    expect(host.ports.counters.get('membership.entry.too-old')).toBe(1)
  })

  test('ages add up: what came half-aged is absent after the other half', async () => {
    const { mesh, host, say, own } = await session()
    await say({ t: 'entries', records: [recordOf(own(5).issue({}), { age: 20_000 })] })
    expect(host.members.present).toContain(idOf(5))
    await mesh.clock.advance(13_000)
    expect(host.members.present).not.toContain(idOf(5))
  })

  test('an older version is answered with the newer one', async () => {
    const { heard, say, own } = await session()
    const five = own(5)
    const old = five.issue({})
    const young = five.issue({})
    await say({ t: 'entries', records: [recordOf(young)] })
    heard.length = 0
    await say({ t: 'summary', members: hex('0'), versions: [[idOf(5), old.head.version]] })
    const heads = entriesIn(heard).map(({ head }) => JSON.parse(new TextDecoder().decode(head))[3])
    expect(heads).toContain(young.head.version)
  })

  test('an older version of another life of its owner changes nothing', async () => {
    const { host, say, own } = await session()
    const young = own(5).issue({})
    await say({ t: 'entries', records: [recordOf(young)] })
    const head = encodeHead({ ...young.head, incarnation: hex('8'), version: young.head.version - 1 })
    await say({ t: 'entries', records: [recordOf(young, { head, signature: keyOf(5).sign(head) })] })
    expect(host.members.incarnationOf(idOf(5))).toEqual(new Uint8Array(Buffer.from(hex('7'), 'hex')))
  })

  test('large maps go in several messages', async () => {
    const { heard, say, own } = await session()
    const offers = Array.from({ length: 5_000 }, (_, n) => ({
      agent: agentOf(5, n),
      capability: 'c',
      version: '1',
    }))
    for (const n of [5, 6, 7]) {
      const one = own(n)
      one.change({ offers })
      await say({ t: 'entries', records: [recordOf(one.issue({}))] })
    }
    heard.length = 0
    await say({ t: 'want', contexts: [idOf(5), idOf(6), idOf(7), idOf(1)] })
    const messages = heard.filter(({ t }) => t === 'entries')
    expect(messages.length).toBeGreaterThan(1)
    expect(entriesIn(heard)).toHaveLength(4)
  })

  test.each([
    ['no JSON', new TextEncoder().encode('{')],
    ['an unknown kind', new TextEncoder().encode('{"t":"other"}')],
    ['null', new TextEncoder().encode('null')],
    ['a digest without a map', new TextEncoder().encode('{"t":"digest","members":""}')],
    ['acknowledgements that are none', new TextEncoder().encode('{"t":"acks","acks":[["a",1]]}')],
    [
      'a summary with a version that is none',
      new TextEncoder().encode('{"t":"summary","members":"","versions":[["a","b"]]}'),
    ],
    ['a want of numbers', new TextEncoder().encode('{"t":"want","contexts":[1]}')],
    ['a challenge without a nonce', new TextEncoder().encode('{"t":"challenge"}')],
    ['entries that are cut off', Uint8Array.of(1, 0, 0)],
    ['a length that lies', Uint8Array.of(1, 0, 0, 0, 0, 0xff, 0xff, 1)],
    ['too much', new Uint8Array(5_000_000)],
  ])('ends a stream that carries %s', async (_what, bytes) => {
    const { mesh, host, line } = await session()
    line.send(bytes)
    await mesh.clock.advance(50)
    expect(line.isOpen).toBe(false)
    expect(host.ports.counters.get('membership.state.malformed')).toBe(1)
  })
})
