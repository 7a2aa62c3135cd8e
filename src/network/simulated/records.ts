import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import { sleep } from '../../core/sleep.ts'
import type { Records } from '../network.ts'
import { drawLatency, type Environment } from './conditions.ts'

/** How long a record is answered unless it is provided again, ms. */
const VALIDITY = 600_000

/** Who provides what, as a swarm's DHT would know it. */
export class RecordTable {
  readonly #untilOf = new Map<string, Map<ContextId, number>>()

  put(key: string, provider: ContextId, now: number): void {
    const providers = this.#untilOf.get(key) ?? new Map<ContextId, number>()
    providers.set(provider, now + VALIDITY)
    this.#untilOf.set(key, providers)
  }

  remove(key: string, provider: ContextId): void {
    const providers = this.#untilOf.get(key)
    providers?.delete(provider)
    if (providers?.size === 0) this.#untilOf.delete(key)
  }

  /** Those still valid, in the order of their first record; the others are forgotten. */
  providers(key: string, now: number): ContextId[] {
    const providers = this.#untilOf.get(key) ?? new Map<ContextId, number>()
    for (const [provider, until] of providers) if (until <= now) this.remove(key, provider)
    return [...providers.keys()]
  }
}

export interface RecordsOwner {
  readonly id: ContextId
  readonly isRunning: boolean
  readonly hasAdmitted: boolean
}

/** Provider records of one context: its own at once, those of others once it is admitted somewhere, unless cut off. */
export class SimulatedRecords implements Records {
  readonly #environment: Environment
  readonly #table: RecordTable
  readonly #owner: RecordsOwner

  constructor(environment: Environment, table: RecordTable, owner: RecordsOwner) {
    this.#environment = environment
    this.#table = table
    this.#owner = owner
  }

  async provide(key: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#checkRunning()
    await sleep(this.#environment.clock, 2 * drawLatency(this.#environment), { signal })
    this.#table.put(key, this.#owner.id, this.#environment.clock.monotonic())
  }

  async withdraw(key: string): Promise<void> {
    this.#checkRunning()
    this.#table.remove(key, this.#owner.id)
  }

  async *providers(key: string, { signal }: { signal?: AbortSignal } = {}): AsyncIterable<ContextId> {
    this.#checkRunning()
    const { clock, faults } = this.#environment
    await sleep(clock, 2 * drawLatency(this.#environment), { signal })
    for (const provider of this.#table.providers(key, clock.monotonic())) {
      if (provider === this.#owner.id) yield provider
      else if (this.#owner.hasAdmitted && !faults.isBlocked(provider, this.#owner.id)) yield provider
    }
  }

  #checkRunning(): void {
    if (!this.#owner.isRunning) throw new AmcpError('ERR_STOPPED', 'the network is not running')
  }
}
