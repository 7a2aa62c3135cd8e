import type { Alert } from './analyzer.ts'
import { now } from './clock.ts'
import type { Factory } from './factory.ts'
import type { PlaceName } from './place.ts'
import type { Proof } from './proofs.ts'
import { until } from './until.ts'

const names: readonly PlaceName[] = ['plant', 'edge-1', 'edge-2', 'operator']
const ms = (from: number, to = now()): string => `${Math.round(to - from)} ms`

export async function proveMesh(factory: Factory): Promise<Proof> {
  const began = now()
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
  const began = now()
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
  const killed = now()
  await factory.place('edge-1').kill()
  const isNoticed = await until(
    async () => !(await factory.place('plant').ask<string[]>('linked')).includes(id),
    15_000,
  )
  const noticed = now()
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
