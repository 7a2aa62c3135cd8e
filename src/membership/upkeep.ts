import type { Timer } from '../core/clock.ts'
import type { Ports } from '../core/ports.ts'

export interface UpkeepActs {
  /** Once a period: the own entry, the digests, the links. */
  renew(): void
  /** Four times a period, so that an entry is stale or absent soon after its time and not a period late. */
  expire(): void
}

/** The recurring acts of a member. Periods are a little random, so that members that started together do not act together. */
export class Upkeep {
  readonly #ports: Ports
  readonly #period: number
  readonly #acts: UpkeepActs
  #renewal: Timer | undefined
  #expiry: Timer | undefined

  /** @param period ms */
  constructor(ports: Ports, period: number, acts: UpkeepActs) {
    this.#ports = ports
    this.#period = period
    this.#acts = acts
  }

  start(): void {
    this.#renewLater()
    this.#expireLater()
  }

  stop(): void {
    this.#renewal?.cancel()
    this.#expiry?.cancel()
  }

  #renewLater(): void {
    const wait = this.#period * (1 - this.#ports.random.float() / 10)
    this.#renewal = this.#ports.clock.after(wait, () => {
      this.#renewLater()
      this.#act('renew')
    })
  }

  #expireLater(): void {
    this.#expiry = this.#ports.clock.after(this.#period / 4, () => {
      this.#expireLater()
      this.#act('expire')
    })
  }

  /** Nobody is above a timer: a fault here, which the next period may not have, would end the process. */
  #act(name: keyof UpkeepActs): void {
    try {
      this.#acts[name]()
    } catch (err) {
      this.#ports.counters.add(`membership.upkeep.failed.${name}`)
      this.#ports.logger.error({ err }, `the members' ${name} failed`)
    }
  }
}
