import type { Reading } from './telemetry.ts'

/** What one place received of each host: how many readings, and whether one was missing, doubled or out of order. */
export interface HostTally {
  /** Number of the first reading received: a place that joins later begins later. */
  first: number
  received: number
  last: number
  faults: number
  restarts: number
}

export class Tally {
  readonly #hosts = new Map<string, HostTally>()

  /** Says whether the host's process is a new one. */
  add({ host, number }: Pick<Reading, 'host' | 'number'>): 'same life' | 'new life' {
    const tally = this.#hosts.get(host)
    if (tally === undefined) {
      this.#hosts.set(host, { first: number, received: 1, last: number, faults: 0, restarts: 0 })
      return 'same life'
    }
    tally.received += 1
    const isNewLife = number <= tally.last && number === 1
    if (isNewLife) tally.restarts += 1
    else if (number !== tally.last + 1) tally.faults += 1
    tally.last = number
    return isNewLife ? 'new life' : 'same life'
  }

  snapshot(): Record<string, HostTally> {
    return Object.fromEntries([...this.#hosts].map(([host, tally]) => [host, { ...tally }]))
  }
}
