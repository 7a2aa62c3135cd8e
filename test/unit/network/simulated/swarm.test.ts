import { describe, expect, test } from 'vitest'
import { Counters } from '../../../../src/core/counters.ts'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../../../src/core/simulated-crypto.ts'
import type { Network } from '../../../../src/network/network.ts'
import { defaultConditions } from '../../../../src/network/simulated/conditions.ts'
import { SimulatedGossip } from '../../../../src/network/simulated/gossip.ts'
import { LinkEnd } from '../../../../src/network/simulated/link-end.ts'
import type { SimulatedNetwork } from '../../../../src/network/simulated/simulated-network.ts'
import { bytes, linked, open, seedOf, stream, TOPIC } from './open-swarm.ts'

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
