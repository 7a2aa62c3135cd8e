import type { Factory } from './factory.ts'
import type { CallReport } from './operator.ts'
import type { Proof } from './proofs.ts'
import type { HostTally } from './tally.ts'
import { until } from './until.ts'

export interface Report {
  readonly received: Record<string, HostTally>
  readonly userEvents: number
  readonly calls?: CallReport
}

/** Without a gap or a double from the first reading received to the last. */
const isWhole = (tally: HostTally | undefined): boolean =>
  tally !== undefined && tally.received === tally.last - tally.first + 1

const edges = ['edge-1', 'edge-2'] as const

/** Starts the sensors again that were stopped to be counted, for those who go on watching. */
export async function resumeSensors(factory: Factory): Promise<void> {
  for (const edge of edges) await factory.place(edge).ask('resume')
}

/** Stops the sensors and compares what they published with what arrived. */
export async function proveDelivery(factory: Factory): Promise<Proof[]> {
  const published = {
    'edge-1': await factory.place('edge-1').ask<number>('halt'),
    'edge-2': await factory.place('edge-2').ask<number>('halt'),
  }
  const proofs: Proof[] = []
  for (const place of ['plant', 'operator'] as const) {
    let report = await factory.place(place).ask<Report>('report')
    const holds = (): boolean =>
      edges.every((host) => {
        const tally = report.received[host]
        return tally !== undefined && tally.faults === 0 && tally.last === published[host]
      }) && isWhole(report.received['edge-2'])
    await until(async () => {
      report = await factory.place(place).ask<Report>('report')
      return holds()
    }, 3_000)
    const counts = (host: 'edge-1' | 'edge-2'): string => {
      const tally = report.received[host]
      if (tally === undefined) return `${host}: none of ${published[host]} received`
      const { received, first, last, restarts } = tally
      const range = restarts === 0 ? `from number ${first}` : `in ${restarts + 1} lives, in the last one up`
      return `${host}: ${received} received, ${range} to ${last} of ${published[host]}`
    }
    proofs.push({
      what: `every event reached the ${place}, once and in order`,
      seen: `${counts('edge-1')}\n${counts('edge-2')}`,
      holds: holds(),
    })
    if (report.calls !== undefined) {
      const { answered, failed, p50, p99 } = report.calls
      proofs.push({
        what: 'calls by capability from the operator to the plant',
        seen: `${answered} answered, ${failed} failed, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
        holds: answered > 0 && failed === 0,
      })
    }
  }
  return proofs
}
