import { describe, expect, test } from 'vitest'
import type { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import type { MessageStream, Network } from '../../../../src/network/network.ts'
import type { SwarmEvent } from '../../../../src/network/simulated/conditions.ts'
import { bytes, linked, linkedByStream, open, TOPIC, text } from './open-swarm.ts'

describe('what is sent in a simulated swarm', () => {
  test('over streams is held while the way is blocked, and comes in order when it heals', async () => {
    const { clock, swarm, a, b, near, far } = await linkedByStream()
    const got: string[] = []
    const back: string[] = []
    far.onMessage((message) => got.push(text(message)))
    near.onMessage((message) => back.push(text(message)))
    swarm.blackhole(a.id, b.id)
    near.send(bytes('1'))
    near.send(bytes('2'))
    far.send(bytes('other way'))
    await clock.advance(100)
    expect(got).toEqual([])
    expect(back).toEqual(['other way'])
    expect(near.buffered).toBeGreaterThan(0)
    swarm.heal()
    near.send(bytes('3'))
    await clock.advance(100)
    expect(got).toEqual(['1', '2', '3'])
    expect(near.buffered).toBe(0)
  })

  test('over streams keeps its order whatever the jitter, and takes its time by size', async () => {
    const { clock, near, far } = await linkedByStream({ jitter: 20, bandwidth: 100 })
    const got: number[] = []
    far.onMessage((message) => got.push(message[0]!))
    for (let at = 0; at < 100; at += 1) near.send(Uint8Array.of(at))
    await clock.advance(100)
    expect(got).toEqual(Array.from({ length: 100 }, (_, at) => at))
    near.send(new Uint8Array(10_000))
    await clock.advance(99)
    expect(got.length).toBe(100)
    await clock.advance(30)
    expect(got.length).toBe(101)
  })

  test('to a stream that nobody answers in time is refused', async () => {
    const { clock, swarm, a, b } = await linked({ linkTimeout: 60_000 })
    swarm.blackhole(b.id, a.id)
    b.streams.handle('/test/1', () => {})
    await expect(clock.runFor(a.streams.open(b.id, '/test/1'))).rejects.toMatchObject({ code: 'ERR_PROTOCOL_REFUSED' })
  })

  test('to a stream whose opener has given up ends where it was accepted', async () => {
    const { clock, swarm, a, b } = await linked()
    const accepted: MessageStream[] = []
    b.streams.handle('/test/1', (each) => accepted.push(each))
    swarm.blackhole(b.id, a.id)
    await expect(clock.runFor(a.streams.open(b.id, '/test/1'))).rejects.toMatchObject({ code: 'ERR_PROTOCOL_REFUSED' })
    await clock.advance(100)
    expect(accepted.map(({ isOpen }) => isOpen)).toEqual([false])
  })

  test('to a stream whose link ends while it is opened fails as not connected', async () => {
    const { clock, a, b } = await linked()
    b.streams.handle('/test/1', () => {})
    const opening = a.streams.open(b.id, '/test/1')
    await a.disconnect(b.id)
    await expect(clock.runFor(opening)).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED' })
  })

  test('by gossip is lost on hops as often as ordered, and counted by nobody but the observer', async () => {
    const events: SwarmEvent[] = []
    const { clock, heard, swarm, a } = await linked({ observe: (event) => events.push(event) })
    swarm.set({ loss: 0.3, jitter: 0 })
    for (let at = 0; at < 1_000; at += 1) a.gossip.publish(TOPIC, bytes(`${at}`))
    await clock.advance(100)
    const lost = events.filter(({ kind }) => kind === 'lost').length
    expect(heard[1]!.length + lost).toBe(1_000)
    expect(lost).toBeGreaterThan(200)
    expect(lost).toBeLessThan(400)
  })

  test('by gossip reaches all of a line of 8, and not beyond a member that does not subscribe', async () => {
    const { clock, networks, link, heard } = await open(8, { topology: 'line' })
    for (let at = 1; at < 8; at += 1) await link(networks[at - 1]!, networks[at]!)
    networks[0]!.gossip.publish(TOPIC, bytes('one'))
    await clock.advance(50)
    expect(heard.map((each) => each.length)).toEqual([0, 1, 1, 1, 1, 1, 1, 1])
    networks[4]!.gossip.unsubscribe(TOPIC)
    networks[4]!.gossip.unsubscribe(TOPIC)
    await clock.advance(50)
    networks[0]!.gossip.publish(TOPIC, bytes('two'))
    await clock.advance(50)
    expect(heard.map((each) => each.length)).toEqual([0, 2, 2, 2, 1, 1, 1, 1])
  })

  test('by gossip reaches each of 40 once, though each passes on to a few only, and after some have gone', async () => {
    const { clock, networks, link, heard, counters } = await open(40)
    for (const [at, network] of networks.entries())
      for (const other of networks.slice(at + 1)) await link(network, other)
    const degrees = networks.map((network) => network.gossip.neighbours(TOPIC).length)
    expect(Math.max(...degrees)).toBeLessThanOrEqual(18)
    expect(Math.min(...degrees)).toBeGreaterThanOrEqual(1)
    networks[0]!.gossip.publish(TOPIC, bytes('one'))
    await clock.advance(50)
    expect(heard.slice(1).every((each) => each.length === 1)).toBe(true)
    for (const network of networks.slice(30)) await network.stop()
    await clock.advance(50)
    networks[0]!.gossip.publish(TOPIC, bytes('two'))
    await clock.advance(50)
    expect(heard.slice(1, 30).every((each) => each.length === 2)).toBe(true)
    expect(counters.every((each) => each.get('gossip.not-admitted') === 0)).toBe(true)
  })

  test('by gossip to a blocked peer is dropped and counted above 64 MiB', async () => {
    const { clock, swarm, counters, a, b } = await linked({ linkTimeout: 600_000 })
    swarm.blackhole(a.id, b.id)
    for (let at = 0; at < 70; at += 1) a.gossip.publish(TOPIC, new Uint8Array(1024 * 1024).fill(at))
    expect(counters[0]!.get('gossip.backlog-dropped')).toBe(7)
    let isDrained = false
    a.gossip.drained(1).then(
      () => {
        isDrained = true
      },
      () => {},
    )
    await clock.advance(10)
    expect(isDrained).toBe(false)
    await a.disconnect(b.id)
    await clock.advance(0)
    expect(isDrained).toBe(true)
  })

  test('by gossip twice with the same bytes goes out once', async () => {
    const { a } = await linked()
    expect(a.gossip.publish(TOPIC, bytes('same'))).toBe(1)
    expect(a.gossip.publish(TOPIC, bytes('same'))).toBe(0)
  })
})

describe('streams of a simulated swarm', () => {
  test('may be closed, aborted and drained again after their end, and tell a late listener', async () => {
    const { clock, near, far } = await linkedByStream()
    await near.drained()
    near.send(bytes('kept'))
    await clock.runFor(Promise.all([near.close(), near.close(), far.close()]))
    await far.close()
    far.abort(new Error('too late'))
    const told: unknown[] = []
    far.onClose((reason) => told.push(reason))
    expect(told).toEqual([undefined])
    const got: string[] = []
    far.onMessage((message) => got.push(text(message)))
    expect(got).toEqual(['kept'])
  })

  test('that were reset take nothing more of what was under way', async () => {
    const { clock, near, far } = await linkedByStream()
    const got: string[] = []
    far.onMessage((message) => got.push(text(message)))
    near.send(bytes('under way'))
    far.abort(new Error('enough'))
    await clock.advance(50)
    expect(got).toEqual([])
    expect(near.isOpen).toBe(false)
    expect(near.buffered).toBe(0)
  })

  test('of both ends ended at the same time end once', async () => {
    const { clock, near, far } = await linkedByStream()
    const told: string[] = []
    near.onClose((reason) => told.push(`near ${reason?.message}`))
    far.onClose((reason) => told.push(`far ${reason?.message}`))
    near.abort(new Error('one'))
    far.abort(new Error('other'))
    await clock.advance(50)
    expect(told).toEqual(['near one', 'far other'])
  })

  test('whose handler ends the link leave nothing behind of what arrives at the same time', async () => {
    const { clock, a, b, near, far } = await linkedByStream()
    const got: string[] = []
    far.onMessage((message) => {
      got.push(text(message))
      void b.disconnect(a.id)
    })
    for (let at = 0; at < 5; at += 1) near.send(bytes(`${at}`))
    await clock.advance(50)
    expect(got).toEqual(['0'])
    expect(a.isConnected(b.id)).toBe(false)
  })

  test('vanish with a crash in the handler of one of them', async () => {
    const { clock, swarm, a, b, near, far } = await linkedByStream()
    const got: string[] = []
    far.onMessage((message) => {
      got.push(text(message))
      swarm.crash(b.id)
    })
    for (let at = 0; at < 5; at += 1) near.send(bytes(`${at}`))
    await clock.advance(50)
    expect(got).toEqual(['0'])
    expect(a.isConnected(b.id)).toBe(false)
  })
})

describe('records of a simulated swarm', () => {
  const providers = async (clock: VirtualClock, network: Network, signal?: AbortSignal): Promise<string[]> => {
    const search = async (): Promise<string[]> => {
      const found: string[] = []
      for await (const each of network.records.providers('key', signal === undefined ? {} : { signal }))
        found.push(each)
      return found
    }
    return clock.runFor(search())
  }

  test('are seen by oneself at once, by others when admitted and not cut off', async () => {
    const { clock, networks, swarm, link } = await open(2)
    const [a, b] = networks as [Network, Network]
    await clock.runFor(a.records.provide('key'))
    expect(await providers(clock, a)).toEqual([a.id])
    expect(await providers(clock, b)).toEqual([])
    await link(a, b)
    expect(await providers(clock, b)).toEqual([a.id])
    swarm.partition([[a.id], [b.id]])
    expect(await providers(clock, b)).toEqual([])
    swarm.heal()
    await a.records.withdraw('key')
    expect(await providers(clock, b)).toEqual([])
  })

  test('are refused by a network that does not run, and mind a signal', async () => {
    const { clock, networks } = await open(1)
    const [a] = networks as [Network]
    const reason = new Error('no')
    await expect(clock.runFor(a.records.provide('key', { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason)
    await expect(providers(clock, a, AbortSignal.abort(reason))).rejects.toBe(reason)
    await a.stop()
    await expect(a.records.provide('key')).rejects.toMatchObject({ code: 'ERR_STOPPED' })
    await expect(a.records.withdraw('key')).rejects.toMatchObject({ code: 'ERR_STOPPED' })
    await expect(providers(clock, a)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  })
})
