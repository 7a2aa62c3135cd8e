import { describe, test } from 'vitest'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../src/core/simulated-crypto.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'
import { simulatedSwarm } from '../../src/network/simulated/swarm.ts'
import { keepMoving } from '../../src/sim/keep-moving.ts'
import { networkConformance, type OpenNetworks } from '../../src/testing/network.ts'

const open = async (count: number): Promise<OpenNetworks> => {
  const clock = new VirtualClock()
  const random = new SeededRandom(7)
  const swarm = simulatedSwarm({ clock, random: random.fork('swarm'), crypto: simulatedCrypto() })
  const networks = Array.from({ length: count }, (_, at) => swarm.network(random.fork(`key ${at}`).bytes(32)))
  const mover = keepMoving(clock)
  return {
    networks,
    until: (condition, what) => mover.until(condition, what),
    settle: () => mover.pass(2_000),
    [Symbol.asyncDispose]: () => mover.stop(),
  }
}

networkConformance('simulated', { describe, test, open })
