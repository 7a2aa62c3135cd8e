import { droppedBy } from './harness/dropped-by.ts'
import { percentile, printFigure, quick } from './harness/pairs.ts'
import { type LaneChoice, meshSide } from './harness/sides.ts'
import { transfer } from './harness/transfer.ts'

/** Three processes at 30 % of the lane's measured rate: received = published, in order, and memory that stays. */
const seconds = Number(process.env['SOAK_SECONDS'] ?? (quick ? 15 : 60))
const share = 0.3
const lanes: Record<string, LaneChoice> = { direct: { lane: 'direct' }, gossip: { lane: 'gossip' } }

interface Count {
  received: number
  disorder: number
}

interface LaneSoak {
  /** Median memory of the last fifth of the time, against that of the second. */
  readonly growth: number
  /** What the subscribers were to receive, and what they did, all together. */
  readonly published: number
  readonly received: number
  readonly disorder: number
  /** Whether each subscriber received each event, and no other. */
  readonly isWhole: boolean
  readonly conditions: Record<string, unknown>
}

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

async function soak(lane: LaneChoice): Promise<LaneSoak> {
  await using side = await meshSide(lane, 2)
  const { publisher, subscribers } = side
  await transfer(publisher, subscribers, 2)
  const { perSecond } = await transfer(publisher, subscribers, 2)
  const rate = Math.floor((perSecond / subscribers.length) * share)
  const before = await Promise.all(subscribers.map((role) => role.ask<Count>('count')))
  const rss: number[] = []
  let published = 0
  const slices = 20
  for (let slice = 0; slice < slices; slice += 1) {
    published += await publisher.ask<number>('steady', { rate, seconds: seconds / slices })
    const memories = await Promise.all([publisher, ...subscribers].map((role) => role.ask<{ rss: number }>('memory')))
    rss.push(memories.reduce((sum, memory) => sum + memory.rss, 0))
  }
  const settled = await transfer(publisher, subscribers, 0)
  const after = await Promise.all(subscribers.map((role) => role.ask<Count>('count')))
  /** What was published of what the rate asks for: a busy machine publishes less, and says so. */
  const kept = published / (rate * seconds)
  const since = (of: keyof Count): number[] => after.map((count, index) => count[of] - before[index]![of])
  const each = published + settled.published
  const received = since('received')
  const disorder = total(since('disorder'))
  const fifth = (index: number): number => {
    const part = rss.slice((slices / 5) * index, (slices / 5) * (index + 1)).sort((a, b) => a - b)
    return percentile(part, 0.5)
  }
  return {
    growth: fifth(4) / fifth(1),
    published: each * subscribers.length,
    received: total(received),
    disorder,
    isWhole: received.every((count) => count === each),
    conditions: {
      rate,
      kept,
      disorder,
      ...(await droppedBy([publisher, ...subscribers])),
      rssMiB: rss.map((bytes) => Math.round(bytes / 1_048_576)),
    },
  }
}

const print = (
  figure: string,
  { growth, published, received, conditions }: Omit<LaneSoak, 'disorder' | 'isWhole'>,
): void =>
  printFigure({
    figure,
    value: growth,
    unit: 'RSS, last fifth / second fifth',
    ...{ rival: null, rivalValue: null, ratio: null, published, received },
    conditions: { seconds, subscribers: 2, ...conditions },
  })

let failed = false
const outcomes: LaneSoak[] = []
for (const [name, lane] of Object.entries(lanes)) {
  const outcome = await soak(lane)
  const { growth, disorder, isWhole } = outcome
  // Below a minute the heap is still warming up, and its growth says nothing yet.
  if (!isWhole || disorder > 0 || (seconds >= 60 && growth > 1.1)) failed = true
  print(`soak-${name}`, outcome)
  outcomes.push(outcome)
}
const sum = (of: 'published' | 'received' | 'disorder'): number => total(outcomes.map((outcome) => outcome[of]))
print('soak', {
  growth: Math.max(...outcomes.map(({ growth }) => growth)),
  published: sum('published'),
  received: sum('received'),
  conditions: { lanes: Object.keys(lanes), disorder: sum('disorder') },
})
process.exitCode = failed ? 1 : 0
