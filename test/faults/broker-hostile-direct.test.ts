import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EnvelopeWriter } from '../../src/events/frame/link-envelope.ts'
import { CreditLink } from '../../src/network/credit-link.ts'
import { forge, meetVillain, SHARD, victim, villain, world } from './hostile-member.ts'

beforeEach(meetVillain)
afterEach(() => world.stop())

describe('a hostile peer on the direct lane', () => {
  const open = async (): Promise<CreditLink> => {
    const stream = await world.run(villain.network.streams.open(victim.id, '/amcp/direct/1'))
    const link = new CreditLink(stream, villain.ports)
    await world.pass(50)
    return link
  }
  const send = async (link: CreditLink, frame: Uint8Array): Promise<void> => {
    link.send(new EnvelopeWriter().previous(SHARD, -1).finish(true), frame)
    await world.pass(50)
  }

  test('gets what is right delivered, unsigned', async () => {
    await send(await open(), forge({ unsigned: true }))
    expect(victim.received.length).toBe(1)
  })

  test('has events dropped that are past their expiry by every clock that a member may have, and no others', async () => {
    const link = await open()
    const expirytimes = [-29_000, -30_000].map((ms) => new Date(world.clock.now() + ms).toISOString())
    for (const [sequence, expirytime] of [...expirytimes, '2001-01-01T00:00:00Z'].entries())
      await send(link, forge({ unsigned: true, sequence, event: { expirytime } }))
    expect(victim.received.map(({ sequence }) => Number(sequence))).toEqual([0])
    expect(victim.count('broker.expired')).toBe(2)
  })

  test('cannot speak for somebody else, nor pass on a frame that was meant for gossip', async () => {
    const link = await open()
    await send(link, forge({ unsigned: true, publisher: victim.identity.key.publicKey }))
    expect(victim.count('broker.refused.publisher')).toBe(1)
    await send(link, forge())
    expect(victim.count('broker.refused.receiver')).toBe(1)
    const chain = { kind: 'link', n: 0, predecessor: new Uint8Array(32), receiver: new Uint8Array(16) } as const
    await send(link, forge({ chain }))
    expect(victim.count('broker.refused.receiver')).toBe(2)
    expect(victim.received).toEqual([])
  })

  test('has each signed frame taken once; two for one number quarantine the chain of the link, and the proof is kept', async () => {
    const link = await open()
    const receiver = world.crypto.sha256(victim.identity.key.publicKey).subarray(0, 16)
    const chain = { kind: 'link', n: 0, predecessor: new Uint8Array(32), receiver } as const
    const frame = forge({ chain })
    await send(link, frame)
    await send(link, frame)
    expect(victim.count('broker.refused.seen')).toBe(1)
    await send(link, forge({ chain, sequence: 1, event: { data: 'another story' } }))
    expect(victim.count('broker.refused.equivocation')).toBe(1)
    expect(victim.broker.evidence).toMatchObject([{ publisher: villain.id, n: 0 }])
    await send(link, forge({ chain: { ...chain, n: 1 }, sequence: 2 }))
    expect(victim.count('broker.refused.quarantined')).toBe(1)
    expect(victim.received.map(({ data }) => data)).toEqual(['evil'])
  })

  test('breaks nothing with envelopes and frames that are none', async () => {
    const link = await open()
    link.send(Uint8Array.of(9, 9, 9))
    link.send(new EnvelopeWriter().previous(64, 0).finish(false))
    await send(link, new Uint8Array(300))
    expect(victim.count('broker.misbehaved')).toBe(3)
    await send(link, forge({ unsigned: true }))
    expect(victim.received.length).toBe(1)
  })

  test('cannot make an event come twice, and is believed what it says it dropped', async () => {
    const link = await open()
    link.send(new EnvelopeWriter().nothingUntil(SHARD, 4).interest(1, SHARD, true).dropped(SHARD, 2, 4).finish(false))
    await send(link, forge({ unsigned: true, sequence: 5 }))
    await send(link, forge({ unsigned: true, sequence: 5 }))
    expect(victim.received.length).toBe(1)
    expect(victim.count('broker.duplicate-or-late')).toBe(1)
    expect(victim.count('broker.dropped-for-us')).toBe(3)
  })

  test('lane records of somebody who is not in the map are nothing', async () => {
    const link = await open()
    world.mesh.leave(villain.id)
    link.send(new EnvelopeWriter().nothingUntil(SHARD, 4).finish(false))
    await world.pass(50)
    expect(victim.received).toEqual([])
  })
})
