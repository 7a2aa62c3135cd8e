import assert from 'node:assert/strict'
import type { ContextId } from '../core/ids.ts'
import type { MessageStream, Network } from '../network/network.ts'

/** Fresh networks of one mesh that can reach each other and are not linked, nor started, yet. */
export interface OpenNetworks extends AsyncDisposable {
  readonly networks: readonly Network[]
  /** Lets time pass until the condition holds; rejects, naming `what`, when it still does not after a generous while. */
  until(condition: () => boolean, what: string): Promise<void>
  /** Lets everything that is under way arrive, so that what has not come by then does not come. */
  settle(): Promise<void>
}

export interface NetworkSuite {
  describe(name: string, body: () => void): void
  test(name: string, body: () => Promise<void>): void
  open(count: number): Promise<OpenNetworks>
}

const TOPIC = 'amcp/1/conformance/s/1/0'
const OPEN = '/conformance/open/1'
const CLOSED = '/conformance/closed/1'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (message: Uint8Array): string => new TextDecoder().decode(message)

/** What every Network promises, whatever carries it. */
export function networkConformance(name: string, suite: NetworkSuite): void {
  suite.describe(`Network: ${name}`, () => {
    links(suite)
    admission(suite)
    gossip(suite)
    streams(suite)
    records(suite)
  })
}

function links({ test, open }: NetworkSuite): void {
  test('dials an address, says who answered, and tells both ends once', async () => {
    await using mesh = await started(await open(2))
    const [a, b] = mesh.pair
    const seen: string[] = []
    a.onPeer({ connected: (peer) => seen.push(`a+${peer}`), disconnected: (peer) => seen.push(`a-${peer}`) })
    b.onPeer({ connected: (peer) => seen.push(`b+${peer}`), disconnected: (peer) => seen.push(`b-${peer}`) })
    assert.equal(await b.dial(a.addresses[0]!), a.id)
    await mesh.until(() => a.isConnected(b.id), 'both ends linked')
    assert.ok(b.isConnected(a.id))
    assert.deepEqual([...a.peers], [b.id])
    assert.deepEqual(seen.toSorted(), [`a+${b.id}`, `b+${a.id}`].toSorted())
    await a.disconnect(b.id)
    await mesh.until(() => seen.length === 4, 'both ends told of the end')
    assert.ok(!a.isConnected(b.id) && !b.isConnected(a.id))
    assert.deepEqual(seen.slice(2).toSorted(), [`a-${b.id}`, `b-${a.id}`].toSorted())
  })

  test('tells once of a peer that is dialled both ways at the same time', async () => {
    await using mesh = await started(await open(2))
    const [a, b] = mesh.pair
    const seen: string[] = []
    a.onPeer({ connected: () => seen.push('a+'), disconnected: () => seen.push('a-') })
    b.onPeer({ connected: () => seen.push('b+'), disconnected: () => seen.push('b-') })
    await Promise.all([a.dial(b.addresses[0]!), b.dial(a.addresses[0]!)])
    await mesh.settle()
    assert.deepEqual(seen.toSorted(), ['a+', 'b+'])
    await b.disconnect(a.id)
    await mesh.until(() => seen.length >= 4, 'both ends told of the end')
    await mesh.settle()
    assert.deepEqual(seen.toSorted(), ['a+', 'a-', 'b+', 'b-'])
  })

  test('connects to a peer by its remembered addresses', async () => {
    await using mesh = await started(await open(2))
    const [a, b] = mesh.pair
    await assert.rejects(b.connect(a.id), { code: 'ERR_NOT_CONNECTED' })
    b.remember(a.id, a.addresses)
    for (const address of a.addresses) assert.ok(b.addressesOf(a.id).includes(address))
    await b.connect(a.id)
    assert.ok(b.isConnected(a.id))
    await b.connect(a.id)
    assert.deepEqual([...b.peers], [a.id])
  })

  test('fails to dial a context that has stopped', async () => {
    await using mesh = await started(await open(2))
    const [a, b] = mesh.pair
    const address = a.addresses[0]!
    await a.stop()
    await assert.rejects(b.dial(address), { code: 'ERR_DIAL_FAILED' })
    b.remember(a.id, [address])
    await assert.rejects(b.connect(a.id), { code: 'ERR_DIAL_FAILED' })
  })

  test('rejects with the reason of a signal that is aborted', async () => {
    await using mesh = await started(await open(2))
    const [a, b] = mesh.pair
    const reason = new Error('changed my mind')
    await assert.rejects(b.dial(a.addresses[0]!, { signal: AbortSignal.abort(reason) }), reason)
    assert.ok(!b.isConnected(a.id))
  })

  test('tells the neighbours when a context stops; start and stop may be repeated', async () => {
    await using mesh = await started(await open(2))
    const [a, b] = mesh.pair
    const gone: ContextId[] = []
    b.onPeer({ disconnected: (peer) => gone.push(peer) })
    await b.dial(a.addresses[0]!)
    await a.start()
    await a.stop()
    await a.stop()
    await mesh.until(() => gone.length === 1, 'the neighbour told')
    assert.deepEqual(gone, [a.id])
    assert.deepEqual([...a.addresses], [])
  })

  test('stops listening to peers when asked to', async () => {
    await using mesh = await started(await open(2))
    const [a, b] = mesh.pair
    let seen = 0
    const stop = b.onPeer({ connected: () => seen++ })
    stop()
    await b.dial(a.addresses[0]!)
    await mesh.settle()
    assert.equal(seen, 0)
  })
}

function admission({ test, open }: NetworkSuite): void {
  test('carries neither gossip nor closed streams before both ends have admitted the other', async () => {
    await using mesh = await started(await open(2), (network) => {
      network.gossip.subscribe(TOPIC)
      network.streams.handle(CLOSED, (stream) => stream.onMessage(() => {}))
      network.streams.handle(OPEN, echo, { beforeAdmission: true })
    })
    const [a, b] = mesh.pair
    const heard: string[] = []
    for (const network of [a, b]) network.gossip.onMessage((_topic, message) => heard.push(text(message)))
    await b.dial(a.addresses[0]!)
    await mesh.until(() => a.isConnected(b.id), 'linked')
    a.gossip.publish(TOPIC, bytes('too early'))
    assert.equal(await ask(b, a, OPEN, 'hello', { beforeAdmission: true }), 'hello')
    await mesh.settle()
    assert.deepEqual([...a.gossip.subscribers(TOPIC)], [])
    await assert.rejects(b.streams.open(a.id, CLOSED), { code: 'ERR_PROTOCOL_REFUSED' })

    a.admit(b.id)
    assert.ok(a.isAdmitted(b.id) && !b.isAdmitted(a.id))
    await mesh.settle()
    assert.deepEqual([...a.gossip.subscribers(TOPIC)], [])
    assert.deepEqual([...b.gossip.subscribers(TOPIC)], [])
    await assert.rejects(a.streams.open(b.id, CLOSED), { code: 'ERR_PROTOCOL_REFUSED' })
    assert.deepEqual(heard, [])

    b.admit(a.id)
    await mesh.until(() => a.gossip.subscribers(TOPIC).length === 1, 'a knows the subscription of b')
    await mesh.until(() => b.gossip.subscribers(TOPIC).length === 1, 'b knows the subscription of a')
    a.gossip.publish(TOPIC, bytes('now'))
    await mesh.until(() => heard.length === 1, 'the message heard')
    assert.deepEqual(heard, ['now'])
    const stream = await a.streams.open(b.id, CLOSED)
    assert.ok(stream.isOpen)
  })

  test('withdraws admission with the link: a new link starts closed', async () => {
    await using mesh = await started(await open(2), (network) => network.gossip.subscribe(TOPIC))
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    await mesh.until(() => a.gossip.subscribers(TOPIC).length === 1, 'subscribed')
    a.expel(b.id, 'a test')
    assert.ok(!a.isAdmitted(b.id))
    await mesh.until(() => !b.isConnected(a.id) && !a.isConnected(b.id), 'parted')
    await mesh.settle()
    assert.deepEqual([...a.gossip.subscribers(TOPIC)], [])
    assert.ok(!b.isAdmitted(a.id))
    await b.dial(a.addresses[0]!)
    await mesh.until(() => a.isConnected(b.id), 'linked again')
    await mesh.settle()
    assert.ok(!a.isAdmitted(b.id))
    assert.deepEqual([...a.gossip.subscribers(TOPIC)], [])
    a.admit(b.id)
    b.admit(a.id)
    await mesh.until(() => a.gossip.subscribers(TOPIC).length === 1, 'subscribed again')
  })
}

function gossip({ test, open }: NetworkSuite): void {
  test('hands a message to all subscribers over one hop and over two, never to the publisher, each once', async () => {
    await using mesh = await started(await open(3), (network) => network.gossip.subscribe(TOPIC))
    const [a, b, c] = mesh.three
    const heard: string[] = []
    const from: ContextId[] = []
    for (const [name, network] of [['a', a], ['b', b], ['c', c]] as const) // biome-ignore format: one row each
      network.gossip.onMessage((topic, message, sender) => {
        assert.equal(topic, TOPIC)
        heard.push(`${name} ${text(message)}`)
        if (name === 'c') from.push(sender)
      })
    await link(mesh, b, a)
    await link(mesh, c, b)
    await mesh.until(() => b.gossip.subscribers(TOPIC).length === 2, 'b knows both')
    await mesh.until(() => a.gossip.subscribers(TOPIC).length === 1, 'a knows b')
    await mesh.until(() => b.gossip.neighbours(TOPIC).length === 2, 'b has both in its mesh')
    assert.equal(a.gossip.publish(TOPIC, bytes('1')), 1)
    await mesh.until(() => heard.length >= 2, 'both heard')
    await mesh.settle()
    assert.deepEqual(heard.toSorted(), ['b 1', 'c 1'])
    assert.deepEqual(from, [b.id])
  })

  test('keeps the order of a burst and delivers equal bytes to one subscriber only once', async () => {
    await using mesh = await started(await open(2), (network) => network.gossip.subscribe(TOPIC))
    const [a, b] = mesh.pair
    const heard: string[] = []
    b.gossip.onMessage((_topic, message) => heard.push(text(message)))
    await link(mesh, b, a)
    await mesh.until(() => a.gossip.subscribers(TOPIC).length === 1, 'subscribed')
    const sent = Array.from({ length: 200 }, (_, at) => `message ${at}`)
    for (const each of sent) a.gossip.publish(TOPIC, bytes(each))
    a.gossip.publish(TOPIC, bytes('message 7'))
    a.gossip.publish(TOPIC, bytes('last'))
    await mesh.until(() => heard.at(-1) === 'last', 'the last heard')
    assert.deepEqual(heard, [...sent, 'last'])
  })

  test('delivers and forwards only what the judge accepts', async () => {
    const judged: string[] = []
    await using mesh = await started(await open(3), (network, at) => {
      network.gossip.subscribe(TOPIC)
      if (at === 1)
        network.gossip.validate((topic, message, from) => {
          judged.push(`${topic} ${text(message)} ${from === mesh.networks[0]?.id}`)
          return text(message) as 'accept' | 'ignore' | 'reject'
        })
    })
    const [a, b, c] = mesh.three
    const heard: string[] = []
    b.gossip.onMessage((_topic, message) => heard.push(`b ${text(message)}`))
    c.gossip.onMessage((_topic, message) => heard.push(`c ${text(message)}`))
    await link(mesh, b, a)
    await link(mesh, c, b)
    await mesh.until(() => b.gossip.neighbours(TOPIC).length === 2, 'b has both in its mesh')
    await mesh.until(() => a.gossip.subscribers(TOPIC).length === 1, 'a knows b')
    for (const verdict of ['ignore', 'reject', 'accept']) a.gossip.publish(TOPIC, bytes(verdict))
    await mesh.until(() => heard.length >= 2, 'both heard')
    await mesh.settle()
    assert.deepEqual(heard.toSorted(), ['b accept', 'c accept'])
    assert.deepEqual(judged, [`${TOPIC} ignore true`, `${TOPIC} reject true`, `${TOPIC} accept true`])
  })

  test('publishes to topics that it does not subscribe to itself, and to nobody when nobody listens', async () => {
    await using mesh = await started(await open(2))
    const [a, b] = mesh.pair
    const heard: string[] = []
    b.gossip.onMessage((_topic, message) => heard.push(text(message)))
    await link(mesh, b, a)
    assert.equal(a.gossip.publish(TOPIC, bytes('nobody')), 0)
    const changed: string[] = []
    a.gossip.onChange((topic) => changed.push(topic))
    b.gossip.subscribe(TOPIC)
    assert.deepEqual([...b.gossip.topics], [TOPIC])
    await mesh.until(() => a.gossip.subscribers(TOPIC).length === 1, 'subscribed')
    assert.ok(changed.includes(TOPIC))
    assert.equal(a.gossip.publish(TOPIC, bytes('somebody')), 1)
    await mesh.until(() => heard.length === 1, 'heard')
    b.gossip.unsubscribe(TOPIC)
    await mesh.until(() => a.gossip.subscribers(TOPIC).length === 0, 'unsubscribed')
    assert.equal(a.gossip.publish(TOPIC, bytes('nobody again')), 0)
    await mesh.settle()
    assert.deepEqual(heard, ['somebody'])
  })

  test('carries a frame of 256 KiB, and drains', async () => {
    await using mesh = await started(await open(2), (network) => network.gossip.subscribe(TOPIC))
    const [a, b] = mesh.pair
    const sizes: number[] = []
    b.gossip.onMessage((_topic, message) => sizes.push(message.length))
    await link(mesh, b, a)
    await mesh.until(() => a.gossip.subscribers(TOPIC).length === 1, 'subscribed')
    for (let at = 0; at < 40; at++) a.gossip.publish(TOPIC, new Uint8Array(256 * 1024).fill(at + 1))
    assert.ok(a.gossip.backlog > 0)
    await a.gossip.drained(256 * 1024)
    assert.ok(a.gossip.backlog < 256 * 1024)
    await mesh.until(() => sizes.length === 40, 'all heard')
    assert.ok(sizes.every((size) => size === 256 * 1024))
    await a.gossip.drained(1)
    assert.equal(a.gossip.backlog, 0)
  })
}

function streams({ test, open }: NetworkSuite): void {
  test('keeps the borders of messages: empty, joined from parts, small, of many sizes, of 16 MiB', async () => {
    await using mesh = await started(await open(2), (network) => network.streams.handle(CLOSED, echo))
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const stream = await b.streams.open(a.id, CLOSED)
    assert.equal(stream.peer, a.id)
    assert.equal(stream.protocol, CLOSED)
    const sizes = [0, 1, 3, 4, 1000, 65_536, 65_537, 100_000, 5, 300_000, 0, 16 * 1024 * 1024]
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

  test('refuses to send a message above 17 MiB', async () => {
    await using mesh = await started(await open(2), (network) => network.streams.handle(CLOSED, echo))
    const [a, b] = mesh.pair
    await link(mesh, b, a)
    const stream = await b.streams.open(a.id, CLOSED)
    assert.throws(() => stream.send(new Uint8Array(17 * 1024 * 1024 + 1)), { code: 'ERR_EVENT_TOO_LARGE' })
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

function records({ test, open }: NetworkSuite): void {
  test('finds who provides a key, and nobody for another', async () => {
    await using mesh = await started(await open(3))
    const [a, b, c] = mesh.three
    await link(mesh, b, a)
    await link(mesh, c, b)
    await link(mesh, c, a)
    await mesh.settle()
    await a.records.provide('agent:1')
    await mesh.settle()
    const found: ContextId[] = []
    for await (const provider of c.records.providers('agent:1')) found.push(provider)
    assert.deepEqual(found, [a.id])
    for await (const provider of c.records.providers('agent:2')) found.push(provider)
    assert.deepEqual(found, [a.id])
    await a.records.withdraw('agent:1')
    const after: ContextId[] = []
    for await (const provider of a.records.providers('agent:1')) after.push(provider)
    assert.ok(!after.includes(b.id))
  })
}

interface StartedNetworks extends OpenNetworks {
  readonly pair: readonly [Network, Network]
  readonly three: readonly [Network, Network, Network]
}

async function started(
  mesh: OpenNetworks,
  prepare: (network: Network, at: number) => void = () => {},
): Promise<StartedNetworks> {
  for (const [at, network] of mesh.networks.entries()) prepare(network, at)
  for (const network of mesh.networks) await network.start()
  const three = mesh.networks as readonly [Network, Network, Network]
  return {
    networks: mesh.networks,
    pair: [three[0], three[1]],
    three,
    until: (condition, what) => mesh.until(condition, what),
    settle: () => mesh.settle(),
    [Symbol.asyncDispose]: async () => {
      for (const network of mesh.networks) await network.stop()
      await mesh[Symbol.asyncDispose]()
    },
  }
}

/** Links two contexts and admits each at the other. */
async function link(mesh: OpenNetworks, from: Network, to: Network): Promise<void> {
  await from.dial(to.addresses[0]!)
  await mesh.until(() => to.isConnected(from.id), 'linked at both ends')
  from.admit(to.id)
  to.admit(from.id)
}

function echo(stream: MessageStream): void {
  stream.onMessage((message) => stream.send(message))
}

async function ask(
  from: Network,
  to: Network,
  protocol: string,
  question: string,
  options: { beforeAdmission?: boolean } = {},
): Promise<string> {
  const stream = await from.streams.open(to.id, protocol, options)
  const answer = new Promise<string>((resolve) => stream.onMessage((message) => resolve(text(message))))
  stream.send(bytes(question))
  const heard = await answer
  await stream.close()
  return heard
}
