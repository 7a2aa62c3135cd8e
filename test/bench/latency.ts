import { comparePairs, measureRounds, percentile, printFigure, quick } from './harness/pairs.ts'
import { type LaneChoice, meshSide, natsSide, type Side, startNatsServer } from './harness/sides.ts'

/** Milliseconds from the call of publish to the handler in the other process, at 1,000 events a second. */
const rate = 1_000
const seconds = quick ? 1 : 3

interface Quantiles {
  p50: number
  p99: number
}

async function measure({ publisher, subscribers }: Side): Promise<Quantiles> {
  await subscribers[0]!.ask('latencies')
  await publisher.ask('paced', { rate, seconds })
  const micros = (await subscribers[0]!.ask<number[]>('latencies')).sort((a, b) => a - b)
  return { p50: percentile(micros, 0.5) / 1_000, p99: percentile(micros, 0.99) / 1_000 }
}

const lanes: Record<string, LaneChoice> = {
  direct: { lane: 'direct' },
  signed: { lane: 'direct', signDirect: true },
  gossip: { lane: 'gossip' },
}

await using server = await startNatsServer()
await using rival = await natsSide(server)
await measure(rival)
for (const [name, lane] of Object.entries(lanes)) {
  await using ours = await meshSide(lane)
  await measure(ours)
  const rounds = await measureRounds({ ours: () => measure(ours), rival: () => measure(rival) })
  const print = (figure: string, quantile: keyof Quantiles): void => {
    const compared = comparePairs(rounds.map((round) => [round.ours[quantile], round.rival[quantile]]))
    const { value, rivalValue, ratio, spread, pairs } = compared
    const conditions = { rivalVersion: server.version, rate, lane: name, quantile, pairs, spread, seconds }
    printFigure({ figure, value, unit: 'ms', rival: 'nats-server', rivalValue, ratio, conditions })
  }
  if (name === 'direct') {
    print('latency', 'p50')
    print('latency-p99', 'p99')
  } else {
    print(`latency-${name}`, 'p50')
    print(`latency-${name}-p99`, 'p99')
  }
}
