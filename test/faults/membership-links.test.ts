import { describe, expect, test } from 'vitest'
import type { AmcpError } from '../../src/core/errors.ts'
import { FakeMesh, idOf } from '../unit/membership/fake-mesh.ts'

describe('membership under faults', () => {
  test('MS-3 a member that dies without a word is absent after three periods, and nobody waits for it then', async () => {
    const mesh = new FakeMesh()
    const [a, b, c] = await mesh.grow(3)
    await c!.kill()
    await mesh.run(a!.members.announcePatterns(['one.>']))
    expect(a!.members.unconfirmed).toEqual([idOf(3)])
    await mesh.clock.advance(45_000)
    expect(a!.members.present).toEqual([idOf(2)])
    expect(a!.members.unconfirmed).toEqual([])
    expect(a!.ports.counters.get('membership.entry.expired')).toBe(1)
    expect(b!.members.isConverged).toBe(true)
    const before = mesh.clock.monotonic()
    await mesh.run(a!.members.announcePatterns(['two.>']))
    expect(mesh.clock.monotonic() - before).toBeLessThan(100)
  })

  test('an entry that was not renewed for two periods speaks for nobody: topics are gossiped', async () => {
    const mesh = new FakeMesh()
    const [a, , c] = await mesh.grow(3)
    expect(a!.members.audienceOf('a.b')).toEqual([])
    await c!.kill()
    await mesh.clock.advance(25_000)
    expect(a!.members.present).toContain(idOf(3))
    expect(a!.members.audienceOf('a.b')).toBeUndefined()
    expect(a!.members.offersOf('x').complete).toBe(false)
    await mesh.clock.advance(20_000)
    expect(a!.members.audienceOf('a.b')).toEqual([])
  })

  test('a member that leaves in good order is absent at once', async () => {
    const mesh = new FakeMesh()
    const [a, b, c] = await mesh.grow(3)
    await mesh.run(c!.members.stop())
    await mesh.clock.advance(50)
    for (const one of [a!, b!]) {
      expect(one.members.present).toHaveLength(1)
      expect(one.members.isConverged).toBe(true)
    }
  })

  test('MS-3 a lost link comes back by itself and nothing is missing then', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    a!.network.cut(a!.network.links[0]!)
    expect(a!.members.isConverged).toBe(false)
    await mesh.run(b!.members.announcePatterns(['while.cut.>']))
    await mesh.clock.advance(2_000)
    expect(a!.members.isConverged).toBe(true)
    expect(a!.members.audienceOf('while.cut.x')).toEqual([idOf(2)])
    expect(b!.members.unconfirmed).toEqual([])
  })

  test('MS-3 a mesh that was parted for ten minutes finds together again', async () => {
    const mesh = new FakeMesh()
    const nodes = await mesh.grow(6)
    const left = nodes.slice(0, 3)
    const right = nodes.slice(3)
    for (const { network } of nodes) mesh.swarm.unreachable.add(network.address)
    for (const { network } of left)
      for (const link of [...network.links])
        if (right.some((one) => one.network === link.a || one.network === link.b)) network.cut(link)
    await mesh.clock.advance(600_000)
    expect(left[0]!.members.present).toHaveLength(2)
    mesh.swarm.unreachable.clear()
    await mesh.clock.advance(30_000)
    for (const { members } of nodes) {
      expect(members.present).toHaveLength(5)
      expect(members.isConverged).toBe(true)
    }
  })

  test('MS-3 a state stream that breaks while the link lives is opened again', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    for (const stream of a!.network.opened) if (stream.protocol.includes('state')) stream.abort(new Error('reset'))
    await mesh.clock.advance(2_000)
    expect(a!.members.isConverged).toBe(true)
    await mesh.run(a!.members.announcePatterns(['x.>']))
    expect(b!.members.audienceOf('x.y')).toEqual([idOf(1)])
  })

  test('MS-3 a state stream that fails when written to, though it said it was open, is opened again', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    a!.network.opened.findLast(({ protocol }) => protocol.includes('state'))!.isBroken = true
    await mesh.run(a!.members.announcePatterns(['x.>']))
    await mesh.clock.advance(5_000)
    expect(a!.members.unconfirmed).toEqual([])
    expect(b!.members.audienceOf('x.y')).toEqual([idOf(1)])
  })

  test('a refusal that the other end cannot hear any more is counted', async () => {
    const mesh = new FakeMesh()
    const [low, high] = idOf(1) < idOf(2) ? [1, 2] : [2, 1]
    const host = await mesh.node(low!)
    await mesh.run(host.members.start())
    const guest = await mesh.node(high!, { addresses: [`/node/${low}`], mesh: 'another' })
    const started = guest.members.start().catch((error: AmcpError) => error.code)
    // The end that refuses finds its stream broken each time.
    for (let step = 0; step < 30; step += 1) {
      await mesh.clock.advance(1)
      for (const stream of guest.network.opened) stream.isBroken = true
    }
    expect(await mesh.run(started)).toBe('ERR_WRONG_MESH')
    expect(guest.ports.counters.get('membership.hello.refusal-unheard')).toBe(1)
    expect(host.network.peers).toEqual([])
  })

  test('a link that cannot be closed is counted', async () => {
    const mesh = new FakeMesh()
    const silent = mesh.swarm.join(idOf(9), '/silent')
    const host = await mesh.node(2)
    await mesh.run(host.members.start())
    host.network.disconnect = () => Promise.reject(new Error('stuck'))
    await silent.dial('/node/2')
    await mesh.clock.advance(7_000)
    expect(host.ports.counters.get('membership.hello.disconnect-failed')).toBe(1)
  })

  test('an unreachable address does not keep a context from starting; it keeps trying and joins later', async () => {
    const mesh = new FakeMesh()
    const guest = await mesh.node(2, { addresses: ['/node/1'] })
    await mesh.run(guest.members.start())
    expect(mesh.clock.monotonic()).toBe(2_000)
    expect(guest.ports.counters.get('membership.dial.failed')).toBeGreaterThan(2)
    const host = await mesh.node(1)
    await mesh.run(host.members.start())
    await mesh.clock.advance(15_000)
    expect(guest.members.present).toEqual([idOf(1)])
  })

  test('a start that is aborted says why', async () => {
    const mesh = new FakeMesh()
    const guest = await mesh.node(2, { addresses: ['/nowhere'] })
    const abort = new AbortController()
    const started = guest.members.start({ signal: abort.signal })
    mesh.clock.after(500, () => abort.abort(new Error('enough')))
    await expect(mesh.run(started)).rejects.toThrow('enough')
    await mesh.run(guest.members.stop())
  })

  test('a slow neighbour gets one entry a context when it reads again, not all that it missed', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    const stream = a!.network.opened.findLast(({ protocol }) => protocol.includes('state'))!
    let sent = 0
    const send = stream.send.bind(stream)
    stream.send = (...parts) => {
      sent += 1
      return send(...parts)
    }
    stream.isFull = true
    for (let n = 0; n < 10; n += 1) {
      void a!.members.announcePatterns([`p${n}.>`])
      await mesh.clock.advance(10)
    }
    expect(sent).toBeLessThanOrEqual(2)
    stream.drain()
    await mesh.clock.advance(100)
    expect(b!.members.audienceOf('p9.x')).toEqual([idOf(1)])
    expect(sent).toBeLessThanOrEqual(4)
  })

  test('a message that is none ends the state stream, is counted, and a new stream takes over', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    a!.network.opened.findLast(({ protocol }) => protocol.includes('state'))!.send(Uint8Array.of(0x7b))
    await mesh.clock.advance(5_000)
    expect(b!.ports.counters.get('membership.state.malformed')).toBe(1)
    expect(b!.members.isConverged).toBe(true)
  })

  test('a store that fails is counted and does not end membership', async () => {
    const mesh = new FakeMesh()
    const [a] = await mesh.grow(2)
    await a!.store.close()
    await mesh.clock.advance(15_000)
    expect(a!.ports.counters.get('membership.store.failed')).toBeGreaterThan(0)
    expect(a!.members.isConverged).toBe(true)
  })

  test('members whose membership runs out fall out of the map', async () => {
    const mesh = new FakeMesh()
    const words = { two: 'member' }
    const [a] = await mesh.grow(1)
    const b = await mesh.node(2, { addresses: ['/node/1'], words: () => words.two })
    await mesh.run(b.members.start())
    expect(a!.members.present).toEqual([idOf(2)])
    words.two = 'expired'
    await mesh.clock.advance(60_000)
    expect(a!.members.present).toEqual([])
    expect(a!.ports.counters.get('membership.entry.refused.ERR_MEMBERSHIP_EXPIRED')).toBeGreaterThan(0)
  })

  test('a renewed membership replaces the old one everywhere', async () => {
    const mesh = new FakeMesh()
    const words = { two: 'member' }
    const [a] = await mesh.grow(1)
    const b = await mesh.node(2, { addresses: ['/node/1'], words: () => words.two })
    await mesh.run(b.members.start())
    words.two = 'member, renewed'
    await mesh.clock.advance(15_000)
    expect(new TextDecoder().decode(a!.members.membershipOf(idOf(2)))).toBe('member, renewed')
    expect(new TextDecoder().decode(b.members.membershipOf(idOf(2)))).toBe('member, renewed')
    expect(a!.members.membershipOf('nobody')).toBeUndefined()
  })
})
