import type { Timer } from '../core/clock.ts'
import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import { parsePattern } from '../events/pattern.ts'
import { summarise } from '../events/pattern-summary.ts'
import { Acknowledgements } from './acknowledgements.ts'
import type { Offer } from './members.ts'
import type { OwnEntry } from './own-entry.ts'
import type { StateEntry } from './state-entry.ts'
import type { MembershipTiming } from './timing.ts'

export interface AnnouncerComponents {
  ports: Ports
  own: OwnEntry
}

export interface AnnouncerLinks {
  /** Members whose acknowledgement counts now. */
  required(): readonly ContextId[]
  addresses(): readonly string[]
  /** A new version of the own entry: into the map, and to the neighbours. */
  publish(entry: StateEntry): void
}

/**
 * Tells the mesh what this context listens to and offers: a change once a turn, acknowledged by all or asked for again,
 * less and less often, since an acknowledgement can get lost with a link; and a renewal when nothing changes.
 */
export class Announcer {
  readonly #ports: Ports
  readonly #own: OwnEntry
  readonly #timing: MembershipTiming
  readonly #links: AnnouncerLinks
  readonly acknowledgements: Acknowledgements
  /** The version that brought the latest change. */
  #changedAt = 0
  /** Digest of the body in the version that brought the latest change. */
  #announced = ''
  #announcing: Promise<void> | undefined
  #retry: Timer | undefined
  #retries = 0
  #isRunning = false

  constructor({ ports, own }: AnnouncerComponents, timing: MembershipTiming, links: AnnouncerLinks) {
    this.#ports = ports
    this.#own = own
    this.#timing = timing
    this.#links = links
    this.acknowledgements = new Acknowledgements(ports.clock, timing.acknowledge, () => links.required())
  }

  start(): void {
    this.#isRunning = true
    this.#lookAround()
    this.change()
  }

  stop(): void {
    this.#isRunning = false
    this.#retry?.cancel()
    this.acknowledgements.stop()
    this.#links.publish(this.#own.issue({ left: true }))
  }

  get unconfirmed(): readonly ContextId[] {
    return this.acknowledgements.missing(this.#changedAt)
  }

  /** Resolves when the latest change is acknowledged, or the patience is over. */
  confirmed(): Promise<void> {
    return this.acknowledgements.wait(this.#changedAt)
  }

  /** ERR_TOPIC_INVALID for a pattern that breaks the grammar: others refuse the whole entry with it. */
  async patterns(patterns: readonly string[]): Promise<void> {
    const summary = summarise(patterns)
    for (const pattern of summary) parsePattern(pattern)
    this.#own.change({ patterns: summary })
    await this.#announce()
  }

  /** ERR_ENTRY_TOO_LARGE, TypeError: what was offered before stays announced then. */
  async offers(offers: readonly Offer[]): Promise<void> {
    this.#own.change({ offers })
    await this.#announce()
  }

  /** A version that all must acknowledge. */
  change(): void {
    this.#issue(true)
    this.#changedAt = this.#own.version
    this.#announced = this.#own.bodyDigest
    this.#retries = 0
    this.#retryLater()
  }

  /** A version that says the owner lives; a change if its addresses are others now. */
  renew(): void {
    if (!this.#changeIfNeeded()) this.#issue(this.unconfirmed.length > 0)
  }

  /** Resolves when what has changed in this turn is acknowledged. */
  #announce(): Promise<void> {
    this.#announcing ??= new Promise((resolve, reject) => {
      this.#ports.clock.endOfTurn(() => {
        this.#announcing = undefined
        try {
          if (this.#isRunning) this.#changeIfNeeded()
          this.confirmed().then(resolve, reject)
        } catch (error) {
          reject(error)
        }
      })
    })
    return this.#announcing
  }

  #changeIfNeeded(): boolean {
    this.#lookAround()
    const isChanged = this.#own.bodyDigest !== this.#announced
    if (isChanged) this.change()
    return isChanged
  }

  /** The network may have other addresses than before. */
  #lookAround(): void {
    this.#own.change({ addresses: this.#links.addresses() })
  }

  #issue(acknowledge: boolean): void {
    this.#links.publish(this.#own.issue({ acknowledge }))
  }

  #retryLater(): void {
    this.#retry?.cancel()
    // The first repeats come while the change is still waited for: what got lost then costs no patience.
    const wait = Math.min(this.#timing.period, (this.#timing.acknowledge / 4) * 2 ** this.#retries)
    this.#retry = this.#ports.clock.after(wait, () => {
      if (this.unconfirmed.length === 0) return
      this.#retries += 1
      this.#retryLater()
      this.#repeat()
    })
  }

  /** Nobody is above a timer: a fault here would end the process. */
  #repeat(): void {
    const { counters, logger } = this.#ports
    counters.add('membership.announcement.repeated')
    try {
      this.#issue(true)
    } catch (err) {
      counters.add('membership.announcement.failed')
      logger.error({ err }, 'an announcement was not repeated')
    }
  }
}
