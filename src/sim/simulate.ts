import type { ContextId } from '../core/ids.ts'
import { memoryStore } from '../core/memory-store.ts'
import { SeededRandom } from '../core/seeded-random.ts'
import { simulatedCrypto } from '../core/simulated-crypto.ts'
import { sleep } from '../core/sleep.ts'
import { VirtualClock } from '../core/virtual-clock.ts'
import { foundMemoryMesh } from '../identity/context-identity.ts'
import type { Conditions, SwarmEvent } from '../network/simulated/conditions.ts'
import { type SimulatedSwarm, simulatedSwarm } from '../network/simulated/swarm.ts'
import type { Topology } from '../network/simulated/topology.ts'
import { SimulatedContext } from './simulated-context.ts'
import { Trace } from './trace.ts'

export interface SimulateOptions {
  readonly seed: number | string
  /** How many contexts there are; the scenario starts them. */
  readonly contexts: number
  /** What links are like. */
  readonly conditions?: Partial<Conditions>
  /** @default 'full' */
  readonly topology?: Topology
  /** Told of everything between contexts, beside the trace. */
  readonly observe?: (event: SwarmEvent) => void
  /** Virtual ms after which an unfinished scenario is given up with a RangeError. @default 3_600_000 */
  readonly limit?: number
}

/** What a scenario has in its hands. */
export interface Simulation {
  readonly clock: VirtualClock
  /** Seeded; a fork for each purpose keeps one purpose's draws from another's. */
  readonly random: SeededRandom
  readonly swarm: SimulatedSwarm
  readonly contexts: readonly SimulatedContext[]
  readonly trace: Trace
  /** How traces call a context. */
  nameOf(context: ContextId): string
  /** Writes a line into the trace, at the present time. */
  note(kind: string, ...fields: readonly (string | number)[]): void
  sleep(ms: number): Promise<void>
  /** Resolves once the condition holds, looked at each virtual ms. Throws RangeError, naming `what`, after `limit` ms. */
  until(condition: () => boolean, what: string, limit?: number): Promise<void>
}

export interface SimulationResult<T> {
  readonly value: T
  readonly trace: Trace
  /** SHA-256 of the trace in hexadecimal: equal for equal seeds and scenarios, on every machine. */
  readonly sha256: string
  /** Virtual ms that passed. */
  readonly elapsed: number
}

/** Longest `until` waits by itself, virtual ms. */
const PATIENCE = 60_000

/**
 * Runs a scenario over whole contexts on virtual time, as fast as the machine can. Everything that the outcome could
 * depend on comes from the seed; the scenario must not wait for anything real (files, sockets, timers of the machine).
 */
export async function simulate<T>(
  options: SimulateOptions,
  scenario: (simulation: Simulation) => Promise<T>,
): Promise<SimulationResult<T>> {
  // Loaded while time stands still: a module that is read from disk takes real time.
  await import('../context-defaults.ts')
  const clock = new VirtualClock()
  const crypto = simulatedCrypto()
  const random = new SeededRandom(options.seed)
  const trace = new Trace()
  const names = new Map<ContextId, string>()
  const nameOf = (context: ContextId): string => names.get(context) ?? '-'
  const swarm = simulatedSwarm({
    ...options.conditions,
    clock,
    crypto,
    random: random.fork('swarm'),
    topology: options.topology ?? 'full',
    observe: (event) => {
      trace.add(event.at, event.kind, nameOf(event.from), nameOf(event.to), event.what || '-', event.bytes)
      options.observe?.(event)
    },
  })
  const mesh = foundMemoryMesh({ clock, crypto, random: random.fork('mesh') }, 'sim')
  const contexts: SimulatedContext[] = []
  for (let at = 0; at < options.contexts; at += 1) {
    const own = random.fork(`context ${at}`)
    const identity = mesh.member(own.fork('key').bytes(32))
    names.set(identity.id, `c${at}`)
    contexts.push(
      new SimulatedContext(`c${at}`, { clock, random: own, crypto, swarm, identity, store: await memoryStore() }),
    )
  }
  const simulation: Simulation = {
    clock,
    random: random.fork('scenario'),
    swarm,
    contexts,
    trace,
    nameOf,
    note: (kind, ...fields) => trace.add(clock.monotonic(), kind, ...fields),
    sleep: (ms) => sleep(clock, ms),
    until: async (condition, what, limit = PATIENCE) => {
      const end = clock.monotonic() + limit
      while (!condition()) {
        if (clock.monotonic() >= end) throw new RangeError(`not after ${limit} ms of virtual time: ${what}`)
        await sleep(clock, 1)
      }
    },
  }
  const limit = options.limit === undefined ? {} : { limit: options.limit }
  const value = await clock.runFor(scenario(simulation), limit)
  return { value, trace, sha256: trace.sha256(crypto), elapsed: clock.monotonic() }
}
