import type { Clock } from '../../core/clock.ts'
import { Counters } from '../../core/counters.ts'
import type { Crypto } from '../../core/crypto.ts'
import { AmcpError } from '../../core/errors.ts'
import { type ContextId, contextIdOf } from '../../core/ids.ts'
import type { Random } from '../../core/random.ts'
import type { Network } from '../network.ts'
import { type Conditions, defaultConditions, drawLatency, type Environment, type SwarmEvent } from './conditions.ts'
import { Faults } from './faults.ts'
import { Links } from './links.ts'
import { RecordTable } from './records.ts'
import { SimulatedNetwork, type Surroundings } from './simulated-network.ts'
import { mayLink, type Topology } from './topology.ts'

export interface SwarmOptions extends Partial<Conditions> {
  readonly clock: Clock
  /** Seeded, if the run is to be repeatable. */
  readonly random: Random
  readonly crypto: Crypto
  /** @default 'full' */
  readonly topology?: Topology
  /** Told of everything that happens between contexts. */
  readonly observe?: (event: SwarmEvent) => void
}

export interface SimulatedNetworkOptions {
  /** Part of the address; two processes with one key need different ones. @default 1 */
  readonly port?: number
  /** @default counters of its own */
  readonly counters?: Counters
  /** Addresses with `/p2p/`, told to the listeners as discovered at the start. @default [] */
  readonly bootstrap?: readonly string[]
}

/** A swarm in this process: all its networks, the ways between them, and the faults to order. */
export function simulatedSwarm(options: SwarmOptions): SimulatedSwarm {
  return new SimulatedSwarm(options)
}

export class SimulatedSwarm {
  readonly #environment: Environment
  readonly #faults = new Faults()
  readonly #table = new RecordTable()
  readonly #running = new Map<string, SimulatedNetwork>()
  readonly #positions = new Map<ContextId, number>()
  readonly #links: Links
  #orders = 0

  constructor({ clock, random, crypto, topology = 'full', observe = () => {}, ...conditions }: SwarmOptions) {
    this.#environment = {
      clock,
      random,
      crypto,
      conditions: { ...defaultConditions, ...conditions },
      faults: this.#faults,
      observe,
    }
    this.#links = new Links({
      environment: this.#environment,
      at: (address) => this.#running.get(address),
      mayLink: (one, other) => {
        const [first, second] = [this.#positions.get(one)!, this.#positions.get(other)!]
        return mayLink(topology, first, second, this.#positions.size)
      },
    })
  }

  /** A context's network, not started. The same seed again is the same context again: after a stop or a crash. */
  network(
    seed: Uint8Array,
    { port = 1, counters = new Counters(), bootstrap = [] }: SimulatedNetworkOptions = {},
  ): Network {
    const id = contextIdOf(this.#environment.crypto.signingKey(seed).publicKey)
    if (!this.#positions.has(id)) this.#positions.set(id, this.#positions.size)
    const surroundings: Surroundings = {
      environment: this.#environment,
      table: this.#table,
      counters,
      started: (network) => {
        if (this.#running.has(network.address)) throw new AmcpError('ERR_ADDRESS_IN_USE', `${network.address} is taken`)
        this.#running.set(network.address, network)
      },
      stopped: (network) => this.#running.delete(network.address),
      dial: (from, address, signal) => this.#links.dial(from, address, signal),
    }
    return new SimulatedNetwork(id, `/sim/${port}/p2p/${id}`, surroundings, bootstrap)
  }

  /** Changes what links are like from now on. */
  set(conditions: Partial<Conditions>): void {
    this.#environment.conditions = { ...this.#environment.conditions, ...conditions }
  }

  /** Lets nothing pass between the groups; contexts in none of them are one group more. */
  partition(groups: readonly (readonly ContextId[])[]): void {
    this.#faults.partition(groups)
    this.#order('partition')
  }

  /** Lets nothing pass from one context to the other; the way back works. */
  blackhole(from: ContextId, to: ContextId): void {
    this.#faults.blackhole(from, to)
    this.#order('blackhole', from, to)
  }

  /** Opens all ways again. What was held on links that still are arrives now. */
  heal(): void {
    this.#faults.heal()
    this.#order('heal')
    this.#links.release()
  }

  /**
   * Kills a context: nothing it does matters any more, and its promises never settle. The others see its links end, as
   * with a killed process, or, when `silent`, nothing until they give the links up, as with a machine without power.
   */
  crash(context: ContextId, { silent = false }: { silent?: boolean } = {}): void {
    const { linkTimeout } = this.#environment.conditions
    for (const network of [...this.#running.values()]) {
      if (network.id !== context) continue
      network.crash(silent ? linkTimeout : drawLatency(this.#environment))
      this.#observe('crash', context, '', '')
    }
  }

  #order(what: string, from: ContextId = '', to: ContextId = ''): void {
    this.#observe('fault', from, to, what)
    this.#orders += 1
    const { clock, conditions } = this.#environment
    const order = this.#orders
    clock.after(conditions.linkTimeout, () => {
      if (order === this.#orders) this.#links.breakBlocked()
    })
  }

  #observe(kind: 'crash' | 'fault', from: ContextId, to: ContextId, what: string): void {
    this.#environment.observe({ at: this.#environment.clock.monotonic(), kind, from, to, what, bytes: 0 })
  }
}
