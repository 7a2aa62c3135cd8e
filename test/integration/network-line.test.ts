import { describe, expect, test } from 'vitest'
import type { Network } from '../../src/network/network.ts'
import { type Libp2pMesh, openLibp2p } from './libp2p-mesh.ts'

const SIZE = 8
const TOPIC = 'amcp/1/line/s/1/0'

describe.each([
  { shape: 'line', links: SIZE - 1 },
  { shape: 'ring', links: SIZE },
])('a $shape of eight contexts that may link to their neighbours only', ({ shape, links }) => {
  const areNeighbours = (a: number, b: number): boolean => {
    const distance = Math.abs(a - b)
    return distance === 1 || (shape === 'ring' && distance === SIZE - 1)
  }

  test('MS-1 carries the first gossip frame to the far end, and a burst after it, to everyone once', async () => {
    await using mesh = await linked(areNeighbours, links)
    const { networks } = mesh
    const heard = networks.map(() => [] as string[])
    for (const [at, network] of networks.entries())
      network.gossip.onMessage((_topic, message) => heard[at]!.push(new TextDecoder().decode(message)))
    const degree = (at: number): number => networks.filter((_, other) => areNeighbours(at, other)).length
    await mesh.until(
      () => networks.every((network, at) => network.gossip.subscribers(TOPIC).length === degree(at)),
      'all subscriptions of neighbours known',
    )
    await mesh.until(
      () => networks.every((network, at) => network.gossip.neighbours(TOPIC).length === degree(at)),
      'everybody passes on to its neighbours',
    )

    networks[0]!.gossip.publish(TOPIC, new TextEncoder().encode('first'))
    const state = (): string =>
      networks
        .map(({ gossip, peers }, at) => `${heard[at]!.length}/${gossip.neighbours(TOPIC).length}/${peers.length}`)
        .join(' ')
    await mesh
      .until(() => heard.every((each, at) => at === 0 || each.length > 0), 'the first frame everywhere')
      .catch((late: Error) => {
        throw new Error(`${late.message}; heard/grafted/linked: ${state()}`)
      })
    const burst = Array.from({ length: 200 }, (_, at) => `frame ${at}`)
    for (const frame of burst) networks[0]!.gossip.publish(TOPIC, new TextEncoder().encode(frame))
    await mesh.until(() => heard.every((each, at) => at === 0 || each.length > 200), 'the burst everywhere')
    await mesh.settle()
    for (const each of heard.slice(1)) expect(each.toSorted()).toEqual(['first', ...burst].toSorted())
    expect(heard[0]).toEqual([])
  })

  test('makes no link beyond the neighbours: dials fail from both ends, records and gossip make none', async () => {
    await using mesh = await linked(areNeighbours, links)
    const { networks } = mesh
    const [first, third] = [networks[0]!, networks[2]!]
    await expect(first.dial(third.addresses[0]!)).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
    await expect(third.dial(first.addresses[0]!)).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
    await third.records.provide('a key')
    const found: string[] = []
    for await (const provider of first.records.providers('a key')) found.push(provider)
    expect(found.filter((provider) => provider !== third.id)).toEqual([])
    for (const [at, network] of networks.entries())
      for (const peer of network.peers)
        expect(
          areNeighbours(
            at,
            networks.findIndex(({ id }) => id === peer),
          ),
        ).toBe(true)
  })
})

/** Eight started contexts, linked and admitted along the shape, all subscribed. */
async function linked(areNeighbours: (a: number, b: number) => boolean, links: number): Promise<Libp2pMesh> {
  const all: Network[] = []
  const mesh = await openLibp2p(SIZE, (at) => ({
    mayLink: (peer) =>
      areNeighbours(
        at,
        all.findIndex(({ id }) => id === peer),
      ),
  }))
  all.push(...mesh.networks)
  let made = 0
  await Promise.all(all.map((network) => network.start()))
  for (const [at, network] of all.entries()) {
    network.gossip.subscribe(TOPIC)
    network.onPeer({ connected: (peer) => network.admit(peer) })
    for (const [other, neighbour] of all.entries())
      if (other < at && areNeighbours(at, other)) {
        await network.dial(neighbour.addresses[0]!)
        made++
      }
  }
  expect(made).toBe(links)
  await mesh.until(() => all.every((network) => network.peers.every((peer) => network.isAdmitted(peer))), 'admitted')
  return mesh
}
