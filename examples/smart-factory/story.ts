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

const others = ['plant', 'edge-2', 'operator'] as const

/** Waits at each of the others until the condition holds there, and says when it did: undefined where it never did. */
const eachOf = (condition: (name: PlaceName) => boolean | Promise<boolean>): Promise<(number | undefined)[]> =>
  Promise.all(others.map(async (name) => ((await until(() => condition(name), 15_000)) ? now() : undefined)))

const times = (from: number, at: readonly (number | undefined)[]): string =>
  others.map((name, index) => `${name}: ${at[index] === undefined ? 'never' : ms(from, at[index])}`).join(', ')

/** Kills edge-1 without a word and starts it again: the three others have to miss it, and to have it back. */
export async function proveRecovery(factory: Factory, backAt: ReadonlyMap<PlaceName, number>): Promise<Proof[]> {
  const id = factory.ids.get('edge-1')!
  const isLinked = async (name: PlaceName): Promise<boolean> =>
    (await factory.place(name).ask<string[]>('linked')).includes(id)
  const wasLinked = (await Promise.all(others.map(isLinked))).every(Boolean)
  const killed = now()
  await factory.place('edge-1').kill()
  const missed = await eachOf(async (name) => !(await isLinked(name)))
  const restarted = now()
  await factory.start('edge-1')
  // edge-2 listens to nobody: for it, edge-1 is back when it has its link.
  const back = await eachOf((name) => (name === 'edge-2' ? isLinked(name) : backAt.has(name)))
  return [
    {
      what: 'edge-1 is killed (SIGKILL) and missed by the others',
      seen: `after its death, ${times(killed, missed)}`,
      holds: wasLinked && !missed.includes(undefined),
    },
    {
      what: 'edge-1 is started again and found by the others',
      seen: `after its start, ${times(restarted, back)}`,
      holds: !back.includes(undefined) && factory.ids.get('edge-1') === id,
    },
  ]
}
