import { type ForcedLane, JoinMesh, type JoinTry } from '../integration/join-mesh.ts'
import { median, percentile, printFigure, quick } from './harness/pairs.ts'

/** Seconds until a newcomer is known to a mesh of 20 in this process, and whether it hears everybody from then on. */
const MEMBERS = 20
/** A p95 of fewer is the slowest one. */
const tryCount = quick ? 3 : 20

let isComplete = true
for (const lane of ['direct', 'gossip'] satisfies ForcedLane[]) {
  await using mesh = await JoinMesh.open(MEMBERS, lane)
  const tries: JoinTry[] = []
  while (tries.length < tryCount) tries.push(await mesh.join())
  const sum = (of: 'received' | 'expected'): number => tries.reduce((total, one) => total + one[of], 0)
  const times = tries.map(({ announced }) => announced).sort((a, b) => a - b)
  const [received, expected] = [sum('received'), sum('expected')]
  if (received < expected) isComplete = false
  printFigure({
    figure: lane === 'direct' ? 'join' : 'join-gossip',
    value: percentile(times, 0.95) / 1_000,
    unit: 's',
    rival: null,
    rivalValue: null,
    ratio: null,
    conditions: {
      members: MEMBERS,
      lane,
      tries: tries.length,
      medianSeconds: median(times) / 1_000,
      cpuMs: median(tries.map(({ cpu }) => cpu)),
      links: mesh.contexts.reduce((links, { neighbours }) => links + neighbours.length, 0) / MEMBERS,
      quantile: 'p95',
      received,
      expected,
    },
  })
}
process.exitCode = isComplete ? 0 : 1
