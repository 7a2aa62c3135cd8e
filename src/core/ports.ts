import type { Clock } from './clock.ts'
import type { Counters } from './counters.ts'
import type { Crypto } from './crypto.ts'
import type { Logger } from './logger.ts'
import type { Random } from './random.ts'

/** What nearly every part needs from the outside: real in production, virtual in the simulator and in unit tests. */
export interface Ports {
  readonly clock: Clock
  readonly random: Random
  readonly crypto: Crypto
  readonly logger: Logger
  readonly counters: Counters
}
