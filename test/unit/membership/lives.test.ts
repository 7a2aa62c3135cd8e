import { describe, expect, test } from 'vitest'
import type { AmcpError } from '../../../src/core/errors.ts'
import { FakeMesh, idOf } from './fake-mesh.ts'

const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: AmcpError) => error.code,
  )

describe('two lives of one key', () => {
  test.each([1, 2])(
    'a copy that joins where the first one is linked is stopped; the first one goes on (third is %i)',
    async (third) => {
      const mesh = new FakeMesh()
      const key = 3 - third
      const host = await mesh.node(third)
      await mesh.run(host.members.start())
      const first = await mesh.node(key, { addresses: [`/node/${third}`] })
      await mesh.run(first.members.start())
      const copy = await mesh.node(key, { place: '/copy', addresses: [`/node/${third}`] })
      expect(await mesh.run(codeOf(copy.members.start()))).toBe('ERR_DUPLICATE_IDENTITY')
      expect(copy.faults.map(({ code }) => code)).toEqual(['ERR_DUPLICATE_IDENTITY'])
      await mesh.clock.advance(5_000)
      expect(first.faults).toEqual([])
      expect(host.members.incarnationOf(idOf(key))).toEqual(first.members.incarnation)
      expect(host.ports.counters.get('membership.hello.refused.ERR_DUPLICATE_IDENTITY')).toBeGreaterThan(0)
    },
  )

  test('a copy that joins elsewhere is found through the map, and told once', async () => {
    const mesh = new FakeMesh()
    const line = { dialBeyond: false }
    const one = await mesh.node(1, line)
    const two = await mesh.node(2, { ...line, addresses: ['/node/1'] })
    const first = await mesh.node(3, { ...line, addresses: ['/node/1'] })
    for (const { members } of [one, two, first]) await mesh.run(members.start())
    await mesh.clock.advance(1_000)
    const copy = await mesh.node(3, { ...line, place: '/copy', addresses: ['/node/2'] })
    await mesh.run(codeOf(copy.members.start()))
    // At once: the first one does not wait for the next renewal of its entry, 10 s.
    await mesh.clock.advance(2_000)
    expect(copy.faults.map(({ code }) => code)).toEqual(['ERR_DUPLICATE_IDENTITY'])
    await mesh.clock.advance(28_000)
    expect([first.faults, copy.faults.length]).toEqual([[], 1])
  })

  test('a restart after a crash goes on, above the versions of the life before', async () => {
    const mesh = new FakeMesh()
    const [host, first] = await mesh.grow(2)
    await mesh.run(first!.members.announcePatterns(['old.>']))
    await first!.kill()
    await mesh.clock.advance(100)
    const second = await mesh.node(2, { store: first!.store, addresses: ['/node/1'] })
    await mesh.run(second.members.start())
    await mesh.run(second.members.announcePatterns(['new.>']))
    expect(second.faults).toEqual([])
    expect(host!.members.incarnationOf(idOf(2))).toEqual(second.members.incarnation)
    expect(host!.members.audienceOf('new.x')).toEqual([idOf(2)])
    expect(host!.members.audienceOf('old.x')).toEqual([])
  })

  test('a restart with an empty store and a clock that went back goes on above what peers have seen', async () => {
    const mesh = new FakeMesh()
    const [host, first] = await mesh.grow(2)
    await mesh.clock.advance(60_000)
    await first!.kill()
    await mesh.clock.advance(100)
    const second = await mesh.node(2, { skew: -29_000, addresses: ['/node/1'] })
    await mesh.run(second.members.start())
    await mesh.run(second.members.announcePatterns(['new.>']))
    expect(second.faults).toEqual([])
    expect(second.members.unconfirmed).toEqual([])
    expect(host!.members.audienceOf('new.x')).toEqual([idOf(2)])
  })

  test.each([1, 2])(
    'a restart before the other end noticed the crash goes on when the old life does not answer (third is %i)',
    async (third) => {
      const mesh = new FakeMesh()
      const key = 3 - third
      const host = await mesh.node(third)
      await mesh.run(host.members.start())
      const first = await mesh.node(key, { addresses: [`/node/${third}`] })
      await mesh.run(first.members.start())
      // The link is black-holed: no socket says that the first life is gone.
      first.network.silence()
      const second = await mesh.node(key, { place: '/again', store: first.store, addresses: [`/node/${third}`] })
      await mesh.run(second.members.start())
      await mesh.clock.advance(5_000)
      expect(second.faults).toEqual([])
      expect(second.members.present).toEqual([idOf(third)])
      expect(host.members.incarnationOf(idOf(key))).toEqual(second.members.incarnation)
    },
  )

  test('a context that is given its own address does not wait for itself', async () => {
    const mesh = new FakeMesh()
    const node = await mesh.node(1, { addresses: ['/node/1'] })
    await mesh.run(node.members.start())
    expect(node.network.dialled).toEqual([])
    expect(node.members.isConverged).toBe(true)
  })

  test('a context that reaches itself by another address counts it and goes on', async () => {
    const mesh = new FakeMesh()
    const node = await mesh.node(1, { addresses: ['/alias'] })
    mesh.swarm.networks.set('/alias', node.network)
    await mesh.run(node.members.start())
    await mesh.clock.advance(60_000)
    expect(node.ports.counters.get('membership.dial.self')).toBe(1)
    expect(node.network.dialled).toEqual(['/alias'])
  })
})
