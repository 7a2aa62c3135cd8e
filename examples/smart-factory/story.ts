import { setTimeout as wait } from 'node:timers/promises'
import type { Alert } from './analyzer.ts'
import type { Factory } from './factory.ts'
import type { CallReport } from './operator.ts'
import type { PlaceName } from './place.ts'
import type { Proof } from './proofs.ts'
import type { HostTally } from './tally.ts'

export interface Report {
  readonly received: Record<string, HostTally>
  readonly userEvents: number
  readonly calls?: CallReport
}

const names: readonly PlaceName[] = ['plant', 'edge-1', 'edge-2', 'operator']
const ms = (from: number, to = performance.now()): string => `${Math.round(to - from)} ms`

/** Asks again and again until the condition holds, for at most `limit` ms; says whether it held. */
export async function until(condition: () => boolean | Promise<boolean>, limit: number): Promise<boolean> {
  for (const end = performance.now() + limit; performance.now() < end; await wait(20)) {
    if (await condition()) return true
  }
  return condition()
}

export async function proveMesh(factory: Factory): Promise<Proof> {
  const began = performance.now()
  for (const name of names) await factory.start(name)
  const knowsAll = async (name: PlaceName): Promise<boolean> =>
    (await factory.place(name).ask<string[]>('members')).length === names.length - 1
  const holds = await until(async () => (await Promise.all(names.map(knowsAll))).every(Boolean), 10_000)
  return { what: '4 processes form a mesh, each knows the 3 others', seen: ms(began), holds }
}

/** Keeps a processor busy inside edge-2 and waits for somebody to say so. */
export async function proveLoad(
  factory: Factory,
  alerts: { alert: Alert; at: number }[],
  limit: number,
): Promise<Proof[]> {
  const before = alerts.length
  const began = performance.now()
  const load = factory.place('edge-2').ask('load', limit)
  const isFound = await until(() => alerts.length > before, limit)
  const found = alerts[before]
  await load
  return [
    { what: 'no alert before the load', seen: `${before} alerts`, holds: before === 0 },
    {
      what: 'a load in edge-2 is found',
      seen:
        found === undefined
          ? 'not found'
          : `${found.alert.host} by ${found.alert.analyzer}, ${ms(began, found.at)} after its start, ${found.alert.value.toFixed(2)} processors`,
      holds: isFound && found?.alert.host === 'edge-2' && found.alert.analyzer === 'analyzer-2',
    },
  ]
}

/** Kills edge-1 without a word, starts it again, and waits for its events at the plant. */
export async function proveRecovery(factory: Factory, backAt: () => number | undefined): Promise<Proof[]> {
  const id = factory.ids.get('edge-1')!
  const killed = performance.now()
  await factory.place('edge-1').kill()
  const isNoticed = await until(
    async () => !(await factory.place('plant').ask<string[]>('members')).includes(id),
    15_000,
  )
  const noticed = performance.now()
  await factory.start('edge-1')
  const isBack = await until(() => backAt() !== undefined, 15_000)
  return [
    {
      what: 'edge-1 is killed (SIGKILL) and missed by the plant',
      seen: `after ${ms(killed, noticed)}`,
      holds: isNoticed,
    },
    {
      what: 'edge-1 is started again and heard at the plant',
      seen: `${ms(noticed, backAt())} after its start`,
      holds: isBack && factory.ids.get('edge-1') === id,
    },
  ]
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
      (['edge-1', 'edge-2'] as const).every((host) => {
        const tally = report.received[host]
        return tally !== undefined && tally.faults === 0 && tally.last === published[host]
      }) && report.received['edge-2']?.received === published['edge-2']
    await until(async () => {
      report = await factory.place(place).ask<Report>('report')
      return holds()
    }, 3_000)
    const counts = (host: 'edge-1' | 'edge-2'): string => {
      const tally = report.received[host]
      const lives = tally !== undefined && tally.restarts > 0 ? ' (in its second life)' : ''
      return `${host}: ${tally?.received ?? 0} received, its last is number ${tally?.last ?? 0} of ${published[host]}${lives}`
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
