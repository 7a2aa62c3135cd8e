import assert from 'node:assert/strict'
import type { ContextId } from '../core/ids.ts'
import type { MessageStream, Network } from '../network/network.ts'
import { bytes, CLOSED, echo, link, type NetworkSuite, type StartedNetworks, started, text } from './network-parts.ts'

/** Message streams between linked and admitted networks. */
export function streams({ test, open }: NetworkSuite): void {
  test('keeps the borders of messages: empty, joined from parts, small, of many sizes, of 4 MiB', async () => {
    await using mesh = await started(await open(2), (network) => network.streams.handle(CLOSED, echo))
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const stream = await b.streams.open(a.id, CLOSED)
    assert.equal(stream.peer, a.id)
    assert.equal(stream.protocol, CLOSED)
    const sizes = [0, 1, 3, 4, 1000, 65_536, 65_537, 100_000, 5, 300_000, 0, 4 * 1024 * 1024]
    const got: Uint8Array[] = []
    stream.onMessage((message) => got.push(message))
    for (const size of sizes) {
      const half = size >> 1
      stream.send(new Uint8Array(half).fill(1), new Uint8Array(size - half).fill(2))
    }
    await mesh.until(() => got.length === sizes.length, 'all echoed')
    for (const [at, size] of sizes.entries()) {
      const message = got[at]!
      assert.equal(message.length, size)
      assert.ok(message.subarray(0, size >> 1).every((byte) => byte === 1))
      assert.ok(message.subarray(size >> 1).every((byte) => byte === 2))
    }
  })

  test('resets a stream with a message above the limit of its protocol, at whichever end it comes', async () => {
    let accepted: MessageStream | undefined
    await using mesh = await started(await open(2), (network) =>
      network.streams.handle(
        CLOSED,
        (stream) => {
          accepted = stream
          echo(stream)
        },
        { messageLimit: 1_000 },
      ),
    )
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const stream = await b.streams.open(a.id, CLOSED)
    const got: number[] = []
    stream.onMessage((message) => got.push(message.length))
    stream.send(new Uint8Array(1_000))
    await mesh.until(() => got.length === 1, 'echoed')
    stream.send(new Uint8Array(1_001))
    await mesh.until(() => !stream.isOpen, 'reset')
    const other = await b.streams.open(a.id, CLOSED)
    accepted?.send(new Uint8Array(1_001))
    await mesh.until(() => !other.isOpen, 'reset by the end that opened it')
    assert.deepEqual(got, [1_000])
  })

  test('serves no more streams of a protocol to one peer than its limit, and counts what is closed no longer', async () => {
    await using mesh = await started(await open(2), (network) =>
      network.streams.handle(CLOSED, echo, { streamLimit: 2 }),
    )
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const first = await b.streams.open(a.id, CLOSED)
    await b.streams.open(a.id, CLOSED)
    await assert.rejects(b.streams.open(a.id, CLOSED), { code: 'ERR_PROTOCOL_REFUSED' })
    await first.close()
    await mesh.settle()
    await b.streams.open(a.id, CLOSED)
    await a.streams.open(b.id, CLOSED)
  })

  test('refuses to send a message above 4 MiB', async () => {
    await using mesh = await started(await open(2), (network) => network.streams.handle(CLOSED, echo))
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const stream = await b.streams.open(a.id, CLOSED)
    assert.throws(() => stream.send(new Uint8Array(4 * 1024 * 1024 + 1)), { code: 'ERR_EVENT_TOO_LARGE' })
    assert.ok(stream.isOpen)
  })

  test('keeps messages, in order, that come before somebody listens', async () => {
    let accepted: MessageStream | undefined
    await using mesh = await started(await open(2), (network) =>
      network.streams.handle(CLOSED, (stream) => {
        accepted = stream
      }),
    )
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const stream = await b.streams.open(a.id, CLOSED)
    for (let at = 0; at < 100; at++) stream.send(bytes(`${at}`))
    await mesh.settle()
    assert.equal(accepted?.peer, b.id)
    const got: string[] = []
    accepted.onMessage((message) => got.push(text(message)))
    await mesh.until(() => got.length === 100, 'all handed over')
    assert.deepEqual(
      got,
      Array.from({ length: 100 }, (_, at) => `${at}`),
    )
  })

  test('says when the write buffer is full, and when it has drained', async () => {
    let received = 0
    await using mesh = await started(await open(2), (network) =>
      network.streams.handle(CLOSED, (stream) =>
        stream.onMessage((message) => {
          received += message.length
        }),
      ),
    )
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const stream = await b.streams.open(a.id, CLOSED)
    const message = new Uint8Array(64 * 1024)
    let sent = 0
    let waits = 0
    while (waits < 3) {
      sent += message.length
      if (stream.send(message)) continue
      waits++
      await stream.drained()
    }
    await mesh.until(() => received === sent, 'all arrived')
    await stream.drained()
    assert.equal(stream.buffered, 0)
  })

  test('close sends what is queued, then ends both directions without a reason', async () => {
    const ends: string[] = []
    let received = 0
    await using mesh = await started(await open(2), (network) =>
      network.streams.handle(CLOSED, (stream) => {
        stream.onMessage((message) => {
          received += message.length
        })
        stream.onClose((reason) => ends.push(`handler ${reason}`))
      }),
    )
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const stream = await b.streams.open(a.id, CLOSED)
    stream.onClose((reason) => ends.push(`opener ${reason}`))
    for (let at = 0; at < 100; at++) stream.send(new Uint8Array(100_000))
    const closing = stream.close()
    assert.ok(!stream.isOpen)
    assert.throws(() => stream.send(bytes('late')), { code: 'ERR_STREAM_CLOSED' })
    await mesh.until(() => ends.length === 2, 'both ends told')
    await closing
    assert.equal(received, 100 * 100_000)
    assert.deepEqual(ends.toSorted(), ['handler undefined', 'opener undefined'])
  })

  test('an abort ends both ends with a reason and lets a waiting writer go', async () => {
    const ends: (Error | undefined)[] = []
    const accepted: MessageStream[] = []
    await using mesh = await started(await open(2), (network) =>
      network.streams.handle(CLOSED, (stream) => {
        accepted.push(stream)
        stream.onClose((reason) => ends.push(reason))
      }),
    )
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const stream = await b.streams.open(a.id, CLOSED)
    const reasons: (Error | undefined)[] = []
    stream.onClose((reason) => reasons.push(reason))
    while (stream.send(new Uint8Array(64 * 1024)));
    const waiting = stream.drained()
    const reason = new Error('enough')
    stream.abort(reason)
    await waiting
    assert.deepEqual(reasons, [reason])
    assert.ok(!stream.isOpen)
    await mesh.until(() => ends.length === 1, 'the other end told')
    assert.equal((ends[0] as { code?: string }).code, 'ERR_STREAM_CLOSED')
    assert.ok(!accepted[0]?.isOpen)
    assert.throws(() => accepted[0]?.send(bytes('late')), { code: 'ERR_STREAM_CLOSED' })
  })

  test('the end of a link ends its streams with a reason', async () => {
    await using mesh = await started(await open(2), (network) => network.streams.handle(CLOSED, echo))
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const stream = await b.streams.open(a.id, CLOSED)
    const reasons: (Error | undefined)[] = []
    stream.onClose((reason) => reasons.push(reason))
    await a.disconnect(b.id)
    await mesh.until(() => reasons.length === 1, 'told')
    assert.equal((reasons[0] as { code?: string } | undefined)?.code, 'ERR_STREAM_CLOSED')
    await stream.close()
  })

  test('tells no link from a protocol that is not served', async () => {
    await using mesh = await started(await open(2))
    const [a, b] = mesh.pair
    await assert.rejects(b.streams.open(a.id, CLOSED), { code: 'ERR_NOT_CONNECTED' })
    await link(mesh, b, a)
    await assert.rejects(b.streams.open(a.id, '/conformance/nothing/1'), { code: 'ERR_PROTOCOL_REFUSED' })
    const reason = new Error('changed my mind')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(b.streams.open(a.id, CLOSED, { signal }), reason)
  })
}

/** Provider records. */
export function records({ test, open }: NetworkSuite): void {
  test('finds who provides a key, and nobody for another', async () => {
    await using mesh = await started(await open(3))
    const [a, b, c] = mesh.three
    await link(mesh, b, a)
    await link(mesh, c, b)
    await link(mesh, c, a)
    await mesh.settle()
    await a.records.provide('agent:1')
    await mesh.settle()
    assert.deepEqual(await providersOf('agent:1', c), [a.id])
    assert.deepEqual(await providersOf('agent:2', c), [])
  })

  test('answers with a withdrawn record no more, to itself and to others, and still with the others', async () => {
    await using mesh = await started(await open(2))
    const [a, b] = mesh.pair
    // Before anybody is linked, so that nobody else was handed them: those may answer until the records lapse.
    for (const key of ['agent:1', 'agent:2']) await a.records.provide(key)
    await link(mesh, b, a)
    for (const one of [a, b]) await untilFound(mesh, 'agent:1', one)
    for (const one of [a, b]) assert.deepEqual(await providersOf('agent:1', one), [a.id])
    await a.records.withdraw('agent:1')
    for (const one of [a, b]) assert.deepEqual(await providersOf('agent:1', one), [])
    for (const one of [a, b]) assert.deepEqual(await providersOf('agent:2', one), [a.id])
    await a.records.provide('agent:1')
    await mesh.settle()
    assert.deepEqual(await providersOf('agent:1', b), [a.id])
  })
}

/** Searches again and again: who has just started may not yet know by which addresses it can be named to others. */
async function untilFound(mesh: StartedNetworks, key: string, network: Network): Promise<void> {
  for (let left = 2_000; (await providersOf(key, network)).length === 0; left--) {
    assert.ok(left > 0, `nobody was found who provides ${key}`)
    await mesh.settle()
  }
}

async function providersOf(key: string, { records }: Network): Promise<ContextId[]> {
  const found: ContextId[] = []
  for await (const provider of records.providers(key)) found.push(provider)
  return found
}
