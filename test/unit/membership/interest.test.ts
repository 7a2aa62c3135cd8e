import { describe, expect, test } from 'vitest'
import { shardOf } from '../../../src/events/shard.ts'
import { Interest } from '../../../src/membership/interest.ts'
import { FLAG_LEFT } from '../../../src/membership/state-entry.ts'
import { StateMap } from '../../../src/membership/state-map.ts'
import { entry } from './entry.ts'
import { agentOf, crypto, FakeMesh, idOf } from './fake-mesh.ts'

function setup() {
  const map = new StateMap(crypto, 'self', 30_000)
  const interest = new Interest(map, 64)
  const tell = (...args: Parameters<typeof entry>): boolean => {
    map.apply(entry(...args), 0)
    return interest.refresh(map.takeChanged())
  }
  return { map, interest, tell }
}

describe('interest', () => {
  test('finds who listens, without the one that asks', () => {
    const { interest, tell } = setup()
    tell('self', 1, { patterns: ['a.>'] })
    tell('b', 1, { patterns: ['a.*', 'a.x'] })
    tell('c', 1, { patterns: ['z.>'] })
    expect(interest.audienceOf('a.x', 'self')).toEqual(['b'])
    expect(interest.audienceOf('z.x', 'self')).toEqual(['c'])
    expect(interest.audienceOf('q', 'self')).toEqual([])
  })

  test('gives the same array while nothing changes, also for other topics with that audience', () => {
    const { interest, tell } = setup()
    tell('b', 1, { patterns: ['a.>'] })
    const audience = interest.audienceOf('a.x', 'self')
    expect(interest.audienceOf('a.x', 'self')).toBe(audience)
    expect(interest.audienceOf('a.y', 'self')).toBe(audience)
    expect(tell('b', 2, { patterns: ['a.>'] })).toBe(false)
    expect(interest.audienceOf('a.x', 'self')).toBe(audience)
    expect(tell('c', 1, { patterns: ['a.>'] })).toBe(true)
    expect(interest.audienceOf('a.x', 'self')).toEqual(['b', 'c'])
  })

  test('keeps the same array for a topic that fell out of the bounded cache', () => {
    const { interest, tell } = setup()
    tell('b', 1, { patterns: ['a.>'] })
    const audience = interest.audienceOf('a.x', 'self')
    for (let n = 0; n < 16_400; n += 1) interest.audienceOf(`a.n${n}`, 'self')
    expect(interest.audienceOf('a.x', 'self')).toBe(audience)
  })

  test('changes with a summary, and ends when its owner leaves', () => {
    const { interest, tell } = setup()
    tell('b', 1, { patterns: ['a.>', 'b.>'] })
    expect(tell('b', 2, { patterns: ['b.>', 'c.>'] })).toBe(true)
    expect(interest.audienceOf('a.x', 'self')).toEqual([])
    expect(interest.audienceOf('c.x', 'self')).toEqual(['b'])
    expect(tell('b', 3, { patterns: ['b.>', 'c.>'] }, FLAG_LEFT)).toBe(true)
    expect(interest.audienceOf('c.x', 'self')).toEqual([])
  })

  test('knows the shards that anybody listens to', () => {
    const { interest, tell } = setup()
    expect([...interest.shards]).toEqual([])
    tell('b', 1, { patterns: ['a.b.c.>', 'a.b.d.e'] })
    expect([...interest.shards].sort()).toEqual([...new Set([shardOf('a.b.c.x'), shardOf('a.b.d.e')])].sort())
    tell('c', 1, { patterns: ['a.>'] })
    expect(interest.shards.size).toBe(64)
    expect(interest.shards).toBe(interest.shards)
  })

  test('knows who listens in which shard', () => {
    const { interest, tell } = setup()
    tell('b', 1, { patterns: ['a.b.c.>', 'a.b.d.e'] })
    tell('c', 1, { patterns: ['a.>'] })
    const { byShard } = interest
    expect(interest.byShard).toBe(byShard)
    expect(byShard).toHaveLength(64)
    for (const [shard, listeners] of byShard.entries())
      expect([...listeners].sort(), `${shard}`).toEqual(
        [shardOf('a.b.c.x'), shardOf('a.b.d.e')].includes(shard) ? ['b', 'c'] : ['c'],
      )
    tell('b', 2, { patterns: ['a.b.d.*'] })
    expect([...interest.byShard[shardOf('a.b.c.x')]!]).toEqual(['c'])
  })

  test('by shard stays the same object where nothing changes, though patterns do', () => {
    const { interest, tell } = setup()
    tell('b', 1, { patterns: ['a.b.c.x', 'a.b.d'] })
    tell('c', 1, { patterns: ['>'] })
    const before = interest.byShard
    tell('b', 2, { patterns: ['a.b.c.y', 'a.b.d'] })
    expect(interest.byShard).toBe(before)
    tell('b', 3, { patterns: ['a.b.c.y'] })
    const after = interest.byShard
    const changed = after.keys().filter((shard) => after[shard] !== before[shard])
    expect([...changed]).toEqual([shardOf('a.b.d')])
    expect(new Set(after).size).toBe(2)
  })
})

describe('announcing', () => {
  test('many subscriptions of one turn are one announcement', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    const stream = a!.network.opened.findLast(({ protocol }) => protocol.includes('state'))!
    const sent: number[] = []
    const send = stream.send.bind(stream)
    stream.send = (...parts) => {
      sent.push(parts[0]![0]!)
      return send(...parts)
    }
    const all = Array.from({ length: 50 }, (_, n) => a!.members.announcePatterns(['first.>', `n${n}.>`]))
    await mesh.run(Promise.all(all))
    expect(sent.filter((first) => first === 1)).toHaveLength(1)
    expect(b!.members.audienceOf('n49.x')).toEqual([idOf(1)])
    expect(b!.members.audienceOf('n48.x')).toEqual([])
  })

  test('what is announced already resolves at once and sends nothing', async () => {
    const mesh = new FakeMesh()
    const [a] = await mesh.grow(2)
    await mesh.run(a!.members.announcePatterns(['x.>']))
    const before = mesh.clock.monotonic()
    await mesh.run(a!.members.announcePatterns(['x.>']))
    expect(mesh.clock.monotonic()).toBe(before)
  })

  test('topics of single agents are never announced', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    await mesh.run(a!.members.announcePatterns(['amcp.agent.00000000-0000-8000-8000-000000000000']))
    expect(b!.members.audienceOf('amcp.agent.00000000-0000-8000-8000-000000000000')).toEqual([])
  })

  test('a pattern that breaks the grammar reaches nobody', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    await mesh.run(a!.members.announcePatterns(['a.x']))
    const bad = [`a..b${'.x'.repeat(80)}`]
    await expect(mesh.run(a!.members.announcePatterns(bad))).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
    await mesh.clock.advance(40_000)
    expect(b!.members.audienceOf('a.b')).toEqual([])
    expect(b!.members.audienceOf('a.x')).toEqual([idOf(1)])
    expect(b!.members.isConverged).toBe(true)
  })

  test('more offers than an entry holds are refused, and what was announced stays', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    const agent = agentOf(1)
    await mesh.run(a!.members.announceOffers([{ agent, capability: 'c', version: '1' }]))
    const offers = Array.from({ length: 40_000 }, (_, n) => ({ agent: agentOf(1, n), capability: 'c', version: '1' }))
    await expect(mesh.run(a!.members.announceOffers(offers))).rejects.toMatchObject({ code: 'ERR_ENTRY_TOO_LARGE' })
    expect(b!.members.offersOf('c')).toMatchObject({ complete: true, offers: [{ agent, context: idOf(1) }] })
    // Neither renewals nor what is announced afterwards suffer by it.
    await mesh.clock.advance(40_000)
    expect(b!.members.present).toEqual([idOf(1)])
    await mesh.run(a!.members.announcePatterns(['x.>']))
    expect(b!.members.audienceOf('x.y')).toEqual([idOf(1)])
    await mesh.run(a!.members.announceOffers(offers.slice(0, 2)))
    expect(b!.members.offersOf('c').offers).toHaveLength(2)
    expect(a!.ports.counters.get('membership.upkeep.failed.renew')).toBe(0)
  })

  test('tells its listeners of changes, until they stop listening', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    let calls = 0
    const stop = b!.members.onChange(() => {
      calls += 1
    })
    await mesh.run(a!.members.announcePatterns(['x.>']))
    expect(calls).toBeGreaterThan(0)
    stop()
    const before = calls
    await mesh.run(a!.members.announcePatterns(['y.>']))
    expect(calls).toBe(before)
  })

  test('an acknowledgement that was lost is asked for again, less and less often', async () => {
    const mesh = new FakeMesh()
    const [a, b] = await mesh.grow(2)
    const stream = b!.network.opened.findLast(({ protocol }) => protocol.includes('state'))!
    const send = stream.send.bind(stream)
    // The other end's words are lost for a while.
    stream.send = () => true
    await mesh.run(a!.members.announcePatterns(['x.>']))
    expect(a!.members.unconfirmed).toEqual([idOf(2)])
    stream.send = send
    await mesh.clock.advance(10_000)
    expect(a!.members.unconfirmed).toEqual([])
    expect(a!.ports.counters.get('membership.announcement.repeated')).toBeGreaterThan(0)
  })

  test('start and stop may be repeated, and stop before start is legal', async () => {
    const mesh = new FakeMesh()
    const node = await mesh.node(1)
    await node.members.stop()
    await mesh.run(Promise.all([node.members.start(), node.members.start()]))
    await mesh.run(node.members.stop())
    await node.members.stop()
    expect(node.members.self).toBe(idOf(1))
  })
})
