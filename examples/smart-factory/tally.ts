import type { Reading } from './telemetry.ts'

/** What one place received of each host: how many readings, and whether one was missing, doubled or out of order. */
export interface HostTally {
  received: number
  last: number
  faults: number
  restarts: number
}

export class Tally {
  readonly #hosts = new Map<string, HostTally>()

  add({ host, number }: Pick<Reading, 'host' | 'number'>): void {
    const tally = this.#hosts.get(host)
    if (tally === undefined) {
      this.#hosts.set(host, { received: 1, last: number, faults: 0, restarts: 0 })
      return
    }
    tally.received += 1
    if (number !== tally.last + 1) {
      if (number < tally.last) tally.restarts += 1
      else tally.faults += 1
    }
    tally.last = number
  }

  snapshot(): Record<string, HostTally> {
    return Object.fromEntries([...this.#hosts].map(([host, tally]) => [host, { ...tally }]))
  }
}
