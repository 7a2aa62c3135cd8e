import { droppedBy } from './harness/dropped-by.ts'
import { measureRow, openRow, type RowFigures } from './harness/everything.ts'
import { median, pairCount, printFigure, windowSeconds } from './harness/pairs.ts'

/**
 * PF-1: messages a second and context with everything on. Each frame signed, memberships and tokens judged for each topic,
 * a trace that came from outside, causes and correlation, schemas at both agents. The context in the middle receives each
 * event and publishes one for it, so its messages are twice the events that are read at the end. The
 * publisher goes on as the reader does, 8,192 events ahead at most, so that no mailbox overflows.
 */
const FLOOR = 10_000
const lanes = { everything: { lane: 'direct', signDirect: true }, 'everything-gossip': { lane: 'gossip' } } as const

let failed = false
for (const [figure, lane] of Object.entries(lanes)) {
  await using row = await openRow(lane)
  await measureRow(row, windowSeconds) // warm-up
  const rounds: RowFigures[] = []
  for (let round = 0; round < pairCount; round += 1) rounds.push(await measureRow(row, windowSeconds))
  const sum = (of: (round: RowFigures) => number): number => rounds.reduce((total, round) => total + of(round), 0)
  const rates = rounds.map(({ perSecond }) => perSecond)
  const lost = sum(({ published, received }) => published - received)
  const [untraced, disorder] = [sum((round) => round.untraced), sum((round) => round.disorder)]
  const value = 2 * median(rates)
  if (value <= FLOOR || lost + untraced + disorder > 0) failed = true
  printFigure({
    figure,
    value,
    unit: 'messages/s in one context',
    rival: 'the floor of PF-1',
    rivalValue: FLOOR,
    ratio: value / FLOOR,
    conditions: {
      ...{ rounds: rounds.length, seconds: windowSeconds, lost, untraced, disorder },
      ...(await droppedBy([row.publisher, row.relay, row.reader])),
      spread: [2 * Math.min(...rates), 2 * Math.max(...rates)].map(Math.round),
      cpuMicrosPerMessage: median(rounds.map(({ relayMicros }) => relayMicros)) / 2,
    },
  })
}
process.exitCode = failed ? 1 : 0
