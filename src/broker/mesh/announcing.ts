import type { Ports } from '../../core/ports.ts'
import { summarise } from '../../events/pattern-summary.ts'
import type { Members } from '../../membership/members.ts'
import type { Grafting } from './grafting.ts'
import type { Shards } from './shards.ts'

/** ms that is waited for acknowledgements and grafts together. */
const PATIENCE = 2_000

export interface AnnouncingComponents {
  readonly ports: Ports
  readonly members: Pick<Members, 'announcePatterns'>
  readonly shards: Shards
  readonly grafting: Grafting
  /** What this context listens to now. */
  patterns(): readonly string[]
}

/** Tells the mesh what this context listens to, once for everything that changes in a turn. */
export class Announcing {
  readonly #parts: AnnouncingComponents
  #latest: Promise<void> | undefined
  #isWaiting = false

  constructor(components: AnnouncingComponents) {
    this.#parts = components
  }

  /** Resolves when the latest change is known and what it asks for arrives, or after 2 s. */
  get latest(): Promise<void> | undefined {
    return this.#latest
  }

  /** The set of patterns has changed. */
  change(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#latest = new Promise((resolve) => {
      this.#parts.ports.clock.endOfTurn(() => {
        this.#isWaiting = false
        resolve(this.now())
      })
    })
  }

  /** Resolves when the members know the patterns and gossip of their shards reaches this context, or after 2 s. */
  async now(): Promise<void> {
    const { ports, members, shards, grafting } = this.#parts
    const patterns = this.#parts.patterns()
    const begin = ports.clock.monotonic()
    try {
      await members.announcePatterns(patterns)
      await grafting.wait(shards.topicsOf(summarise(patterns)), begin + PATIENCE - ports.clock.monotonic())
    } catch (error) {
      ports.counters.add('broker.announce-failed')
      ports.logger.warn({ error: String(error) }, 'the patterns could not be announced')
    }
  }
}
