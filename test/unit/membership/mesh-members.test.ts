import { describe, expect, test } from 'vitest'
import { FakeMesh, idOf } from './fake-mesh.ts'

describe('members of a mesh', () => {
  test('MS-2 a context without addresses starts alone, converged, with nobody to wait for', async () => {
    const mesh = new FakeMesh()
    const [node] = await mesh.grow(1)
    expect(node!.members.present).toEqual([])
    expect(node!.members.isConverged).toBe(true)
    expect(node!.members.audienceOf('a.b')).toEqual([])
    expect(mesh.clock.monotonic()).toBe(0)
  })

  test('MS-2 two contexts know each other when start resolves', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    expect(a!.members.present).toEqual([idOf(2)])
    expect(b!.members.present).toEqual([idOf(1)])
    expect(a!.members.incarnationOf(idOf(2))).toEqual(b!.members.incarnation)
    expect(a!.members.incarnationOf(idOf(1))).toEqual(a!.members.incarnation)
    expect(mesh.clock.monotonic()).toBeLessThan(100)
  })

  test('MS-2 a newcomer to a mesh of 20, by one address, is known to all 20 and its patterns acknowledged', async () => {
    const mesh = new FakeMesh()
    const nodes = await mesh.grow(20)
    const before = mesh.clock.monotonic()
    const newcomer = await mesh.node(21, { addresses: ['/node/1'] })
    await mesh.run(newcomer.members.start())
    await mesh.run(newcomer.members.announcePatterns(['amcp.domain.load.>']))
    expect(mesh.clock.monotonic() - before).toBeLessThan(1_000)
    expect(newcomer.members.unconfirmed).toEqual([])
    expect(newcomer.members.present).toHaveLength(20)
    for (const { members } of nodes) {
      expect(members.present).toContain(idOf(21))
      expect(members.audienceOf('amcp.domain.load.cpu') ?? [idOf(21)]).toEqual([idOf(21)])
    }
    await mesh.clock.advance(1_000)
    for (const { members } of nodes) {
      expect(members.isConverged).toBe(true)
      expect(members.audienceOf('amcp.domain.load.cpu')).toEqual([idOf(21)])
    }
  })
})
