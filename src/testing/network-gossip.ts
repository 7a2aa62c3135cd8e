import assert from 'node:assert/strict'
import type { ContextId } from '../core/ids.ts'
import { bytes, link, type NetworkSuite, started, TOPIC, text } from './network-parts.ts'

/** Gossip among linked and admitted networks. */
export function gossip({ test, open }: NetworkSuite): void {
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
