import assert from 'node:assert/strict'
import type { ContextId } from '../core/ids.ts'
import { ask, bytes, CLOSED, echo, link, type NetworkSuite, OPEN, started, TOPIC, text } from './network-parts.ts'

/** Links: dialling, their telling, their end. */
export function links({ test, open }: NetworkSuite): void {
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

/** What crosses a link before both ends have admitted the other. */
export function admission({ test, open }: NetworkSuite): void {
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
    await a.disconnect(b.id)
    await mesh.until(() => !b.isConnected(a.id) && !a.isConnected(b.id), 'parted')
    assert.ok(!a.isAdmitted(b.id))
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
