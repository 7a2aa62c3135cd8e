import { Counters } from '../../../../src/core/counters.ts'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../../../src/core/simulated-crypto.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import type { MessageStream, Network } from '../../../../src/network/network.ts'
import { type SwarmOptions, simulatedSwarm } from '../../../../src/network/simulated/swarm.ts'

export const TOPIC = 'topic'
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (message: Uint8Array): string => new TextDecoder().decode(message)
export const seedOf = (at: number): Uint8Array => new Uint8Array(32).fill(at + 1)

export async function open(count: number, options: Partial<SwarmOptions> = {}) {
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

export async function stream(clock: VirtualClock, from: Network, to: Network): Promise<[MessageStream, MessageStream]> {
  const accepted: MessageStream[] = []
  to.streams.handle('/test/1', (each) => accepted.push(each))
  const opened = await clock.runFor(from.streams.open(to.id, '/test/1'))
  return [opened, accepted[0]!]
}

/** Two networks with a link. */
export async function linked(options: Partial<SwarmOptions> = {}) {
  const world = await open(2, options)
  const [a, b] = world.networks as [Network, Network]
  await world.link(a, b)
  return { ...world, a, b }
}

/** Two networks with a link, and both ends of a stream over it. */
export async function linkedByStream(options: Partial<SwarmOptions> = {}) {
  const world = await linked(options)
  const [near, far] = await stream(world.clock, world.a, world.b)
  return { ...world, near, far }
}
