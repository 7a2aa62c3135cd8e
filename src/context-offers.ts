import type { Ports } from './core/ports.ts'
import type { Members, Offer } from './membership/members.ts'

/** Announces what the agents here offer, once a turn however many agents came or went. */
export class OfferAnnouncer {
  readonly #ports: Ports
  readonly #members: Members
  readonly #offers: () => readonly Offer[]
  #pending: Promise<void> | undefined
  #latest: Promise<void> = Promise.resolve()

  constructor(ports: Ports, members: Members, offers: () => readonly Offer[]) {
    this.#ports = ports
    this.#members = members
    this.#offers = offers
  }

  changed(): void {
    if (this.#pending !== undefined) return
    const pending = new Promise<void>((resolve, reject) => {
      this.#ports.clock.endOfTurn(() => {
        this.#pending = undefined
        this.#members.announceOffers(this.#offers()).then(resolve, reject)
      })
    })
    this.#pending = pending
    this.#latest = pending
    pending.catch((err: unknown) => {
      this.#ports.counters.add('context.announcement-failed')
      this.#ports.logger.warn({ err }, 'offers were not announced')
    })
  }

  /** Resolves when the latest announcement was acknowledged, or after 2 s. */
  async announced(): Promise<void> {
    for (let waited: Promise<void> | undefined; waited !== this.#latest; ) {
      waited = this.#latest
      await waited
    }
  }
}
