import { describe, expect, test } from 'vitest'
import { Counters } from '../../../../src/core/counters.ts'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../../../src/core/simulated-crypto.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import type { MessageStream, Network } from '../../../../src/network/network.ts'
import { defaultConditions, type SwarmEvent } from '../../../../src/network/simulated/conditions.ts'
import { SimulatedGossip } from '../../../../src/network/simulated/gossip.ts'
import { LinkEnd } from '../../../../src/network/simulated/link-end.ts'
import type { SimulatedNetwork } from '../../../../src/network/simulated/simulated-network.ts'
import { type SwarmOptions, simulatedSwarm } from '../../../../src/network/simulated/swarm.ts'

const TOPIC = 'topic'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (message: Uint8Array): string => new TextDecoder().decode(message)
const seedOf = (at: number): Uint8Array => new Uint8Array(32).fill(at + 1)

async function open(count: number, options: Partial<SwarmOptions> = {}) {
  const clock = new VirtualClock()
  const counters = Array.from({ length: count }, () => new Counters())
  const swarm = simulatedSwarm({ clock, random: new SeededRandom(7), crypto: simulatedCrypto(), ...options })
  const networks = counters.map((each, at) => swarm.network(seedOf(at), { counters: each }))
  const heard: string[][] = networks.map(() => [])
  for (const [at, network] of networks.entries()) {
    network.gossip.subscribe(TOPIC)
    network.gossip.onMessage((_topic, message) => heard[at]!.push(text(message)))
    await network.start()
  }
  const link = async (one: Network, other: Network): Promise<void> => {
    await clock.runFor(one.dial(other.addresses[0]!))
    one.admit(other.id)
    other.admit(one.id)
    await clock.advance(50)
  }
  return { clock, counters, swarm, networks, heard, link }
}

async function stream(clock: VirtualClock, from: Network, to: Network): Promise<[MessageStream, MessageStream]> {
  const accepted: MessageStream[] = []
  to.streams.handle('/test/1', (each) => accepted.push(each))
  const opened = await clock.runFor(from.streams.open(to.id, '/test/1'))
  return [opened, accepted[0]!]
}

/** Two networks with a link. */
async function linked(options: Partial<SwarmOptions> = {}) {
  const world = await open(2, options)
  const [a, b] = world.networks as [Network, Network]
  await world.link(a, b)
  return { ...world, a, b }
}

/** Two networks with a link, and both ends of a stream over it. */
async function linkedByStream(options: Partial<SwarmOptions> = {}) {
  const world = await linked(options)
  const [near, far] = await stream(world.clock, world.a, world.b)
  return { ...world, near, far }
}

describe('links of a simulated swarm', () => {
  test('lie only where the topology has them', async () => {
    const { clock, networks } = await open(4, { topology: 'ring' })
    const [a, b, , d] = networks as [Network, Network, Network, Network]
    expect(await clock.runFor(a.dial(b.addresses[0]!))).toBe(b.id)
    expect(await clock.runFor(d.dial(a.addresses[0]!))).toBe(a.id)
    await expect(clock.runFor(b.dial(d.addresses[0]!))).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
  })

  test('are not made to oneself, from a network that does not run, nor across a partition', async () => {
    const { clock, networks, swarm } = await open(2)
    const [a, b] = networks as [Network, Network]
    await expect(clock.runFor(a.dial(a.addresses[0]!))).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
    const idle = swarm.network(seedOf(9))
    await expect(idle.dial(a.addresses[0]!)).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
    swarm.partition([[a.id], [b.id]])
    const from = clock.monotonic()
    await expect(clock.runFor(a.dial(b.addresses[0]!))).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
    expect(clock.monotonic() - from).toBe(5_000)
  })

  test('do not come up when only the answer is lost', async () => {
    const { clock, networks, swarm } = await open(2)
    const [a, b] = networks as [Network, Network]
    swarm.blackhole(b.id, a.id)
    await expect(clock.runFor(a.dial(b.addresses[0]!))).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
    expect(a.isConnected(b.id)).toBe(false)
  })

  test('rejoin a dial that is given up, with its reason', async () => {
    const { clock, networks } = await open(2)
    const [a, b] = networks as [Network, Network]
    const abort = new AbortController()
    const dialling = a.dial(b.addresses[0]!, { signal: abort.signal })
    const reason = new Error('changed my mind')
    abort.abort(reason)
    await expect(clock.runFor(dialling)).rejects.toBe(reason)
    a.remember(b.id, b.addresses)
    const again = new AbortController()
    const connecting = a.connect(b.id, { signal: again.signal })
    again.abort(reason)
    await expect(clock.runFor(connecting)).rejects.toBe(reason)
  })

  test('end at both ends when a direction stays blocked, and not when it heals before', async () => {
    const { clock, swarm, a, b } = await linked()
    swarm.blackhole(a.id, b.id)
    await clock.advance(9_000)
    swarm.heal()
    await clock.advance(9_000)
    expect(a.isConnected(b.id)).toBe(true)
    swarm.blackhole(b.id, a.id)
    await clock.advance(10_000)
    expect(a.isConnected(b.id)).toBe(false)
    expect(b.isConnected(a.id)).toBe(false)
  })

  test('to the older process give way when a second process with the same key links', async () => {
    const { clock, swarm, a, b } = await linked()
    const twin = swarm.network(seedOf(1), { port: 2 })
    await twin.start()
    expect(twin.id).toBe(b.id)
    await clock.runFor(a.dial(twin.addresses[0]!))
    await clock.advance(50)
    expect(b.isConnected(a.id)).toBe(false)
    expect(twin.isConnected(a.id)).toBe(true)
    expect([...a.peers]).toEqual([b.id])
    await expect(swarm.network(seedOf(1)).start()).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' })
  })

  test('start once, tell what they were given to bootstrap with, and mind a signal', async () => {
    const { swarm, networks } = await open(1)
    const address = networks[0]!.addresses[0]!
    const other = swarm.network(seedOf(5), { bootstrap: [address] })
    const found: string[] = []
    other.onPeer({ discovered: (peer, addresses) => found.push(peer, ...addresses) })
    await expect(other.start({ signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no')
    await other.start()
    expect(found).toEqual([networks[0]!.id, address])
    await other.stop()
    await expect(other.start()).rejects.toMatchObject({ code: 'ERR_STOPPED' })
    await expect(swarm.network(seedOf(6), { bootstrap: ['/sim/1'] }).start()).rejects.toThrow(TypeError)
  })

  test('to nobody are neither admitted nor disconnected', async () => {
    const { networks } = await open(1)
    const [a] = networks as [Network]
    a.admit('nobody')
    await a.disconnect('nobody')
    expect(a.isAdmitted('nobody')).toBe(false)
  })
})

describe('a crash in a simulated swarm', () => {
  test('ends links at the others and tells the victim nothing', async () => {
    const { clock, networks, swarm, link, heard } = await open(3)
    const [a, b, c] = networks as [Network, Network, Network]
    await link(a, b)
    await link(c, b)
    const [atA, atB] = await stream(clock, a, b)
    const told: string[] = []
    atA.onClose((reason) => told.push(`a ${(reason as { code?: string }).code}`))
    atB.onClose(() => told.push('b'))
    b.onPeer({ disconnected: () => told.push('b disconnected') })
    a.onPeer({ disconnected: () => told.push('a disconnected') })
    swarm.crash(b.id)
    await clock.advance(10)
    expect(told).toEqual(['a disconnected', 'a ERR_STREAM_CLOSED'])
    expect(a.isConnected(b.id) || c.isConnected(b.id)).toBe(false)
    expect(atB.isOpen).toBe(false)
    b.gossip.publish(TOPIC, bytes('from the dead'))
    let isSettled = false
    for (const promise of [b.stop(), b.dial(a.addresses[0]!)])
      promise.then(
        () => {
          isSettled = true
        },
        () => {
          isSettled = true
        },
      )
    await clock.advance(20_000)
    expect(isSettled).toBe(false)
    expect(heard).toEqual([[], [], []])
  })

  test('is noticed only later when it is silent', async () => {
    const { clock, swarm, a, b } = await linked()
    swarm.crash(b.id, { silent: true })
    await clock.advance(9_999)
    expect(a.isConnected(b.id)).toBe(true)
    await clock.advance(1)
    expect(a.isConnected(b.id)).toBe(false)
  })

  test('leaves room for a restart under the same key and address', async () => {
    const { clock, swarm, link, heard, a, b } = await linked()
    const address = b.addresses[0]
    swarm.crash(b.id)
    await clock.advance(10)
    const again = swarm.network(seedOf(1))
    again.gossip.subscribe(TOPIC)
    await again.start()
    expect(again.addresses).toEqual([address])
    await link(again, a)
    again.gossip.publish(TOPIC, bytes('back'))
    await clock.advance(10)
    expect(heard[0]).toEqual(['back'])
  })
})

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

describe('gossip of a simulated swarm', () => {
  test('takes nothing from whom it does not gossip with, and nothing of topics that it left', async () => {
    const { clock, counters, heard, a, b } = await linked()
    a.gossip.publish(TOPIC, bytes('under way'))
    b.gossip.unsubscribe(TOPIC)
    await clock.advance(50)
    expect(heard[1]).toEqual([])
    expect(counters[1]!.get('gossip.not-subscribed')).toBe(1)
    expect([...b.gossip.neighbours(TOPIC)]).toEqual([])

    const own = new Counters()
    const environment = {
      clock,
      random: new SeededRandom(1),
      crypto: simulatedCrypto(),
      conditions: defaultConditions,
      faults: { isBlocked: () => false },
      observe: () => {},
    }
    const alone = new SimulatedGossip(environment, own)
    const [end] = LinkEnd.pair(environment, a as SimulatedNetwork, b as SimulatedNetwork)
    alone.take(end, { kind: 'graft', topic: TOPIC })
    alone.leave(end)
    expect(own.get('gossip.not-admitted')).toBe(1)
  })

  test('tells listeners of changes until they stop listening', async () => {
    const { networks, link } = await open(3)
    const [a, b, c] = networks as [Network, Network, Network]
    let changes = 0
    const stop = a.gossip.onChange(() => changes++)
    await link(a, b)
    expect(changes).toBeGreaterThan(0)
    stop()
    changes = 0
    await link(a, c)
    expect(changes).toBe(0)
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

describe('a simulated swarm', () => {
  test('goes the same way for the same seed, and another for another', async () => {
    const run = async (seed: number): Promise<string> => {
      const events: string[] = []
      const { clock, networks, link } = await open(6, {
        random: new SeededRandom(seed),
        loss: 0.2,
        observe: (event) => events.push(JSON.stringify(event)),
      })
      for (const [at, network] of networks.entries())
        for (const other of networks.slice(at + 1)) await link(network, other)
      for (let at = 0; at < 20; at += 1) networks[at % 6]!.gossip.publish(TOPIC, bytes(`${at}`))
      await clock.advance(100)
      return events.join('\n')
    }
    const first = await run(1)
    expect(await run(1)).toBe(first)
    expect(await run(2)).not.toBe(first)
  })
})
