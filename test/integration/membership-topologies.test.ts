import { describe, expect, test } from 'vitest'
import { FULL_MESH } from '../../src/membership/neighbours.ts'
import { FakeMesh, idOf, type Node } from '../unit/membership/fake-mesh.ts'

const everyoneKnows = (nodes: readonly Node[]): void => {
  for (const { members } of nodes) {
    expect(members.present).toHaveLength(nodes.length - 1)
    expect(members.isConverged).toBe(true)
    expect(members.unconfirmed).toEqual([])
  }
}

/** 64 contexts: the address of an earlier one, so that no one is everybody's first link. */
const earlier = (n: number): readonly string[] => [`/node/${Math.max(1, Math.floor(n / 2))}`]

describe('membership in topologies that are no full mesh', () => {
  test('a line of 8 without dialling beyond it: all know all, and the far end acknowledges', async () => {
    const mesh = new FakeMesh()
    const nodes = await mesh.grow(8, (n) => [`/node/${n - 1}`], { dialBeyond: false })
    await mesh.run(nodes[0]!.members.announcePatterns(['near.>']))
    await mesh.run(nodes[7]!.members.announcePatterns(['far.>']))
    expect(nodes[0]!.members.unconfirmed).toEqual([])
    expect(nodes[7]!.members.unconfirmed).toEqual([])
    await mesh.clock.advance(1_000)
    everyoneKnows(nodes)
    expect(nodes[0]!.members.audienceOf('far.x')).toEqual([idOf(8)])
    expect(nodes[7]!.members.audienceOf('near.x')).toEqual([idOf(1)])
    expect(nodes.map(({ network }) => network.peers.length)).toEqual([1, 2, 2, 2, 2, 2, 2, 1])
  })

  test('a ring of 8 loses a link and goes on', async () => {
    const mesh = new FakeMesh()
    const nodes = await mesh.grow(8, (n) => (n === 8 ? ['/node/7', '/node/1'] : [`/node/${n - 1}`]), {
      dialBeyond: false,
    })
    await mesh.clock.advance(1_000)
    everyoneKnows(nodes)
    mesh.swarm.unreachable.add('/node/3').add('/node/4')
    const link = nodes[2]!.network.links.find(({ a, b }) => a.id === idOf(4) || b.id === idOf(4))!
    nodes[2]!.network.cut(link)
    await mesh.run(nodes[0]!.members.announcePatterns(['after.>']))
    expect(nodes[0]!.members.unconfirmed).toEqual([])
    await mesh.clock.advance(60_000)
    everyoneKnows(nodes)
    expect(nodes[3]!.members.audienceOf('after.x')).toEqual([idOf(1)])
  })

  test('up to a handful everybody is linked to everybody, each pair once', async () => {
    const mesh = new FakeMesh()
    const nodes = await mesh.grow(FULL_MESH)
    await mesh.clock.advance(2_000)
    for (const { network } of nodes) {
      expect(network.peers).toHaveLength(FULL_MESH - 1)
      expect(network.links).toHaveLength(FULL_MESH - 1)
    }
  })

  test('beyond a handful everybody has at least 4 links and the mesh is not full', async () => {
    const mesh = new FakeMesh()
    const nodes = await mesh.grow(24, earlier)
    await mesh.clock.advance(5_000)
    everyoneKnows(nodes)
    const degrees = nodes.map(({ network }) => network.peers.length)
    expect(Math.min(...degrees)).toBeGreaterThanOrEqual(4)
    expect(degrees.reduce((sum, degree) => sum + degree, 0) / 24).toBeLessThan(16)
  })

  test('above 64 members neighbours acknowledge and topics are gossiped', async () => {
    const mesh = new FakeMesh()
    const nodes = await mesh.grow(66, earlier)
    await mesh.clock.advance(5_000)
    const last = nodes[65]!
    expect(last.members.present).toHaveLength(65)
    await mesh.run(last.members.announcePatterns(['big.>']))
    expect(last.members.unconfirmed).toEqual([])
    expect(nodes[0]!.members.audienceOf('big.x')).toBeUndefined()
    expect(last.members.relays.shards.size).toBe(64)
    // Who does not listen helps in an eighth of them, more or less.
    expect(nodes[0]!.members.relays.shards.size).toBeLessThan(32)
  })

  test('ten that join at once by one address all find each other', async () => {
    const mesh = new FakeMesh()
    const [first] = await mesh.grow(1)
    const others = await Promise.all(
      Array.from({ length: 9 }, (_, at) => mesh.node(at + 2, { addresses: ['/node/1'] })),
    )
    await mesh.run(Promise.all(others.map(({ members }) => members.start())))
    await mesh.clock.advance(3_000)
    everyoneKnows([first!, ...others])
  })

  test('found by mDNS: contexts without any address join, and a few links are enough at first', async () => {
    const mesh = new FakeMesh()
    const nodes = await mesh.grow(20, () => ['/node/1'])
    const guest = await mesh.node(21)
    await mesh.run(guest.members.start())
    for (const { network } of nodes) guest.network.discover(network.id, network.addresses)
    guest.network.discover(idOf(21), ['/node/21'])
    await mesh.clock.advance(1_000)
    expect(guest.members.present).toHaveLength(20)
    expect(guest.network.peers.length).toBeLessThan(12)
    expect(guest.network.dialled).not.toContain('/node/21')
  })
})
