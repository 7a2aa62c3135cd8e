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

let failed = false
for (const [name, lane] of Object.entries(lanes)) {
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
    published += await publisher.ask<number>('paced', { rate, seconds: seconds / slices, timed: false })
    const memories = await Promise.all([publisher, ...subscribers].map((role) => role.ask<{ rss: number }>('memory')))
    rss.push(memories.reduce((sum, memory) => sum + memory.rss, 0))
  }
  const settled = await transfer(publisher, subscribers, 0)
  const after = await Promise.all(subscribers.map((role) => role.ask<Count>('count')))
  const received = after.map((count, index) => count.received - before[index]!.received)
  const disorder = after.map((count, index) => count.disorder - before[index]!.disorder)
  const fifth = (index: number): number => {
    const part = rss.slice((slices / 5) * index, (slices / 5) * (index + 1)).sort((a, b) => a - b)
    return percentile(part, 0.5)
  }
  const growth = fifth(4) / fifth(1)
  const isWhole =
    received.every((count) => count === published + settled.published) && disorder.every((count) => count === 0)
  // Below a minute the heap is still warming up, and its growth says nothing yet.
  if (!isWhole || (seconds >= 60 && growth > 1.1)) failed = true
  printFigure({
    figure: `soak-${name}`,
    value: growth,
    unit: 'RSS, last fifth / second fifth',
    rival: null,
    rivalValue: null,
    ratio: null,
    conditions: {
      seconds,
      rate,
      published,
      received,
      disorder,
      isWhole,
      rssMiB: rss.map((bytes) => Math.round(bytes / 1_048_576)),
    },
  })
}
process.exitCode = failed ? 1 : 0
