import { Counters } from './counters.ts'
import { type Logger, silentLogger } from './logger.ts'
import { nodeCrypto } from './node-crypto.ts'
import type { Ports } from './ports.ts'
import { systemClock } from './system-clock.ts'
import { systemRandom } from './system-random.ts'

/** The real ports of one context; each call has counters of its own. */
export function systemPorts({ logger = silentLogger }: { logger?: Logger } = {}): Ports {
  return { clock: systemClock(), random: systemRandom(), crypto: nodeCrypto(), logger, counters: new Counters() }
}
