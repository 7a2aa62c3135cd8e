import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { Connector } from '../../../src/membership/connector.ts'
import { Interest } from '../../../src/membership/interest.ts'
import { OwnEntry } from '../../../src/membership/own-entry.ts'
import { ShardRelays } from '../../../src/membership/relays.ts'
import { StateMap } from '../../../src/membership/state-map.ts'
import { defaultTiming } from '../../../src/membership/timing.ts'
import { crypto, idOf, wordCredentials } from './fake-mesh.ts'
import { FakeSwarm } from './fake-swarm.ts'

function setup(addresses: readonly string[] = [], dialBeyond = true) {
  const clock = new VirtualClock()
  const swarm = new FakeSwarm(clock)
  const network = swarm.join(idOf(1), '/one')
  const map = new StateMap(crypto, idOf(1), 30_000)
  const ports = { clock, random: new SeededRandom(1), crypto, logger: silentLogger, counters: new Counters() }
  const interest = new Interest(map, 64)
  const relays = new ShardRelays({ crypto, map, interest }, idOf(1), dialBeyond)
  const unreachable: number[] = []
  const tried = (count: number): void => void unreachable.push(count)
  const connector = new Connector({ ports, network, map, relays, tried }, defaultTiming, { addresses, dialBeyond })
  const join = (n: number, words: { left?: boolean } = {}): void => {
    swarm.join(idOf(n), `/node/${n}`)
    network.remember(idOf(n), [`/node/${n}`])
    const own = new OwnEntry(ports, wordCredentials(n), idOf(n), '0'.repeat(32))
    own.begin(map.versionOf(idOf(n)))
    map.apply(own.issue(words), clock.monotonic())
  }
  return { clock, swarm, network, map, ports, connector, unreachable, join }
}

describe('the connector', () => {
  test('dials the given addresses but its own, and says how many, and after each where nobody answered', async () => {
    const { clock, network, connector, unreachable } = setup(['/one', '/a', '/b'])
    expect(connector.start()).toBe(2)
    await clock.advance(0)
    expect(network.dialled).toEqual(['/a', '/b'])
    expect(unreachable).toEqual([1, 2])
    connector.stop()
  })

  test('waits longer and longer, never beyond the longest, and a little at random', async () => {
    const { clock, network, connector, ports } = setup(['/a'])
    const times: number[] = []
    const dial = network.dial.bind(network)
    network.dial = (address) => {
      times.push(clock.monotonic())
      return dial(address)
    }
    connector.start()
    await clock.advance(120_000)
    connector.stop()
    const waits = times.slice(1).map((time, at) => time - times[at]!)
    expect(waits[0]).toBeLessThanOrEqual(200)
    for (const [at, wait] of waits.entries()) {
      const most = Math.min(10_000, 100 * 2 ** (at + 1))
      expect(wait).toBeLessThanOrEqual(most)
      expect(wait).toBeGreaterThanOrEqual(most / 2)
    }
    expect(new Set(waits.slice(-5)).size).toBe(5)
    expect(ports.counters.get('membership.dial.failed')).toBe(times.length)
  })

  test('nothing is dialled any more after stop', async () => {
    const { clock, network, connector } = setup(['/a'])
    connector.start()
    await clock.advance(1_000)
    connector.stop()
    const before = network.dialled.length
    await clock.advance(60_000)
    connector.review()
    expect(network.dialled.length).toBe(before)
    expect(clock.pending).toBe(0)
  })

  test('a dial that hangs is given up and tried again', async () => {
    const { clock, network, connector } = setup(['/a'])
    let dials = 0
    network.dial = (_address, { signal } = {}) => {
      dials += 1
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    }
    connector.start()
    await clock.advance(25_000)
    connector.stop()
    expect(dials).toBe(3)
  })

  test('links to members that appear in the map, and not to addresses beyond when that is off', async () => {
    const on = setup()
    on.connector.start()
    on.join(2)
    on.connector.review()
    await on.clock.advance(1_000)
    expect(on.network.peers).toEqual([idOf(2)])
    const off = setup([], false)
    off.connector.start()
    off.join(2)
    off.connector.review()
    off.network.discover(idOf(3), ['/node/3'])
    await off.clock.advance(1_000)
    expect(off.network.dialled).toEqual([])
  })

  test('a peer that refused waits the longest, one that was admitted begins anew', async () => {
    const { clock, network, connector, swarm } = setup(['/node/2'])
    swarm.join(idOf(2), '/node/2')
    connector.start()
    await clock.advance(10)
    connector.refused(idOf(2))
    await network.disconnect(idOf(2))
    await clock.advance(4_000)
    expect(network.dialled).toHaveLength(1)
    await clock.advance(7_000)
    expect(network.dialled).toHaveLength(2)
    connector.admitted(idOf(2))
    await network.disconnect(idOf(2))
    await clock.advance(10)
    expect(network.dialled).toHaveLength(3)
  })

  test('a member gone missing is looked for, and given up in the end', async () => {
    const { clock, network, map, connector, join, swarm } = setup()
    connector.start()
    join(2)
    connector.review()
    await clock.advance(1_000)
    swarm.unreachable.add('/node/2')
    await network.disconnect(idOf(2))
    await clock.advance(60_000)
    map.expire(clock.monotonic())
    connector.review()
    await clock.advance(60_000)
    const before = network.dialled.length
    await clock.advance(60_000)
    expect(network.dialled.length).toBeGreaterThan(before)
    await clock.advance(3_600_000)
    expect(clock.pending).toBe(0)
    // Found again by mDNS it is no old acquaintance whose attempts are used up.
    swarm.unreachable.clear()
    network.discover(idOf(2), ['/node/2'])
    await clock.advance(0)
    expect(network.isConnected(idOf(2))).toBe(true)
  })

  test('a member that has left in good order is not looked for, also when its entry is forgotten', async () => {
    const { clock, network, map, connector, join, swarm } = setup()
    connector.start()
    join(2)
    connector.review()
    await clock.advance(1_000)
    join(2, { left: true })
    swarm.unreachable.add('/node/2')
    await network.disconnect(idOf(2))
    connector.review()
    const before = network.dialled.length
    await clock.advance(60_000)
    expect(map.expire(clock.monotonic())).toEqual([idOf(2)])
    connector.review()
    await clock.advance(60_000)
    expect(network.dialled).toHaveLength(before)
  })

  test('a member that is in the map again is dialled soon, however long it was looked for in vain', async () => {
    const { clock, network, map, connector, join, swarm } = setup()
    connector.start()
    join(2)
    connector.review()
    await clock.advance(1_000)
    swarm.unreachable.add('/node/2')
    await network.disconnect(idOf(2))
    await clock.advance(60_000)
    map.expire(clock.monotonic())
    connector.review()
    await clock.advance(60_000)
    // Just after a dial in vain: the next one is 5 to 10 s away.
    const dials = network.dialled.length
    while (network.dialled.length === dials) await clock.advance(100)
    swarm.unreachable.clear()
    join(2)
    connector.review()
    await clock.advance(1_000)
    expect(network.isConnected(idOf(2))).toBe(true)
    connector.stop()
  })

  const linked = async (count: number): Promise<ReturnType<typeof setup>> => {
    const world = setup()
    world.connector.start()
    for (let n = 2; n <= count; n += 1) world.join(n)
    world.connector.review()
    await world.clock.advance(2_000)
    for (const peer of world.network.peers) world.network.admit(peer)
    return world
  }

  test('dials at most one at once when members appear, and the others a while later', async () => {
    const { clock, network, connector, join } = setup()
    connector.start()
    for (let n = 2; n <= 20; n += 1) join(n)
    connector.review()
    await clock.advance(0)
    expect(network.dialled).toHaveLength(1)
    await clock.advance(1_000)
    expect(network.dialled).toHaveLength(3)
    connector.stop()
  })

  test('ends links that neither end chose and nobody used for a period, and no others', async () => {
    const { network, connector, clock, ports } = await linked(20)
    const chosen = [...network.peers]
    const spare = []
    for (let n = 2; n <= 20; n += 1) if (!network.isConnected(idOf(n))) spare.push(idOf(n))
    for (const peer of spare) await network.connect(peer)
    let used = spare[0]!
    connector.hold((peer) => peer === used)
    connector.prune()
    expect(network.peers).toHaveLength(19)
    connector.prune()
    await clock.advance(0)
    expect(network.peers).toEqual(expect.arrayContaining([...chosen, used]))
    // Others have chosen this context, too.
    expect(network.peers.length).toBeGreaterThanOrEqual(5)
    expect(network.peers.length).toBeLessThanOrEqual(12)
    used = ''
    connector.prune()
    connector.prune()
    await clock.advance(0)
    expect(ports.counters.get('membership.link.spare-ended')).toBe(19 - network.peers.length)
    const before = network.dialled.length
    await clock.advance(60_000)
    expect(network.dialled).toHaveLength(before)
    connector.stop()
  })

  test('ends no link while a chosen neighbour is missing, and none to somebody who is no member', async () => {
    const { network, connector, clock, swarm } = await linked(20)
    const chosen = [...network.peers]
    for (let n = 2; n <= 20; n += 1) await network.connect(idOf(n))
    swarm.join('stranger', '/stranger')
    await network.dial('/stranger')
    await network.disconnect(chosen[0]!)
    for (let round = 0; round < 3; round += 1) connector.prune()
    await clock.advance(0)
    expect(network.peers).toHaveLength(19)
    await network.connect(chosen[0]!)
    network.admit(chosen[0]!)
    for (let round = 0; round < 3; round += 1) connector.prune()
    await clock.advance(0)
    expect(network.peers.length).toBeLessThanOrEqual(12)
    expect(network.isConnected('stranger')).toBe(true)
    connector.stop()
  })

  test('a chosen neighbour that cannot be dialled does not keep others linked, when 4 links stay', async () => {
    const { network, connector, clock, swarm } = await linked(20)
    const missing = network.peers[0]!
    for (let n = 2; n <= 20; n += 1) {
      await network.connect(idOf(n))
      network.admit(idOf(n))
    }
    swarm.unreachable.add(`/node/${Array.from({ length: 20 }, (_, n) => n).find((n) => idOf(n) === missing)}`)
    await network.disconnect(missing)
    connector.prune()
    connector.prune()
    await clock.advance(0)
    expect(network.isConnected(missing)).toBe(false)
    expect(network.peers.length).toBeGreaterThanOrEqual(4)
    expect(network.peers.length).toBeLessThanOrEqual(12)
    connector.stop()
  })

  test('a link that cannot be ended is counted and left', async () => {
    const { network, connector, clock, ports } = await linked(20)
    for (let n = 2; n <= 20; n += 1) await network.connect(idOf(n))
    network.disconnect = () => Promise.reject(new Error('stuck'))
    connector.prune()
    connector.prune()
    await clock.advance(0)
    expect(ports.counters.get('membership.link.end-failed')).toBeGreaterThan(0)
    connector.stop()
  })

  test('mDNS that finds hundreds costs a few dials at first and a bounded memory', async () => {
    const { clock, network, connector } = setup()
    connector.start()
    for (let n = 0; n < 400; n += 1) network.discover(`stranger-${n}`, [`/stranger/${n}`])
    await clock.advance(0)
    expect(network.dialled.length).toBeLessThanOrEqual(8)
    expect(clock.pending).toBeLessThanOrEqual(300)
    connector.stop()
    expect(clock.pending).toBe(0)
  })
})
