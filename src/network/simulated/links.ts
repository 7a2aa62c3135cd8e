import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import { sleep } from '../../core/sleep.ts'
import { withDeadline } from '../../core/with-deadline.ts'
import { drawLatency, type Environment } from './conditions.ts'
import { LinkEnd, type LinkOwner } from './link-end.ts'

const CONTROL = 64

export interface LinksComponents {
  readonly environment: Environment
  /** Who runs at an address. */
  at(address: string): LinkOwner | undefined
  mayLink(one: ContextId, other: ContextId): boolean
}

/** All links of a swarm and how they are made: there and back, then both ends are up. */
export class Links {
  readonly #components: LinksComponents
  #ends: LinkEnd[] = []

  constructor(components: LinksComponents) {
    this.#components = components
  }

  /** The end of a link, old or new, to whoever runs at the address. ERR_DIAL_FAILED. */
  async dial(from: LinkOwner, address: string, signal: AbortSignal | undefined): Promise<LinkEnd> {
    const { environment, at, mayLink } = this.#components
    await this.#trip(from.id, at(address)?.id ?? '', address, signal)
    const to = at(address)
    if (to === undefined || to === from) {
      await this.#trip('', from.id, address, signal)
      throw dialFailed(address, to === from ? 'it is this context' : 'nobody listens there')
    }
    if (!mayLink(from.id, to.id)) throw dialFailed(address, 'no way leads there')
    const far = this.#farEnd(from, to)
    // The answer goes first, so that the dialling end is up before anything else comes there.
    const answered = new Promise<LinkEnd>((resolve) => {
      far.transmit(CONTROL, (near) => {
        near.up()
        resolve(near)
      })
    })
    far.up()
    const late = (): AmcpError => dialFailed(address, 'no answer came')
    return withDeadline(environment.clock, environment.conditions.dialTimeout, answered, late, { signal })
  }

  /** Sends what was held on ways that are open again. */
  release(): void {
    for (const end of this.#living()) end.wire.release()
  }

  /** Ends, at each end by itself, the links on which a direction is blocked. */
  breakBlocked(): void {
    const { faults } = this.#components.environment
    for (const end of this.#living()) {
      const { peer, owner } = end
      if (faults.isBlocked(owner.id, peer) || faults.isBlocked(peer, owner.id)) end.breakOff()
    }
  }

  #farEnd(from: LinkOwner, to: LinkOwner): LinkEnd {
    const known = this.#living().find((end) => end.owner === to && end.isWith(from))
    if (known !== undefined) return known
    const [near, far] = LinkEnd.pair(this.#components.environment, from, to)
    this.#ends.push(near, far)
    return far
  }

  #living(): readonly LinkEnd[] {
    this.#ends = this.#ends.filter((end) => !end.isOver)
    return this.#ends
  }

  async #trip(from: ContextId, to: ContextId, address: string, signal: AbortSignal | undefined): Promise<void> {
    const { clock, conditions, faults } = this.#components.environment
    if (faults.isBlocked(from, to)) {
      await sleep(clock, conditions.dialTimeout, { signal })
      throw dialFailed(address, 'no answer came')
    }
    const now = clock.monotonic()
    const at = Math.ceil((now + drawLatency(this.#components.environment)) / conditions.resolution)
    await sleep(clock, at * conditions.resolution - now, { signal })
  }
}

function dialFailed(address: string, why: string): AmcpError {
  return new AmcpError('ERR_DIAL_FAILED', `${address}: ${why}`, { details: { address }, retryable: true })
}
