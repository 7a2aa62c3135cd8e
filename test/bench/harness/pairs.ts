/** One line of the bench's output; `ratio` is value / rivalValue, whatever the direction that is better. */
export interface Figure {
  figure: string
  value: number
  unit: string
  rival: string | null
  rivalValue: number | null
  ratio: number | null
  /** Where it is a matter of each event: how many there were to be received, by every subscriber, and how many were. */
  published?: number
  received?: number
  conditions: Record<string, unknown>
}

export const quick = process.argv.includes('--quick')
export const pairCount = quick ? 3 : 7
export const windowSeconds = quick ? 1 : 2

const round = (value: number): number => Number(value.toPrecision(4))

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!

/** Measures all sides in turn, in the same minute; every other round goes the other way, so that no side is always first. */
export async function measureRounds<Side extends string, Sample>(
  sides: Readonly<Record<Side, () => Promise<Sample>>>,
): Promise<Record<Side, Sample>[]> {
  const order = Object.keys(sides) as Side[]
  const rounds: Record<Side, Sample>[] = []
  for (let round = 0; round < pairCount; round += 1) {
    const samples = {} as Record<Side, Sample>
    for (const side of round % 2 === 0 ? order : order.toReversed()) samples[side] = await sides[side]()
    rounds.push(samples)
  }
  return rounds
}

export interface Comparison {
  readonly value: number
  readonly rivalValue: number
  readonly ratio: number
  /** The lowest and the highest ratio of a pair. */
  readonly spread: readonly [number, number]
  readonly pairs: number
}

/** The median of each side and of the ratios of the pairs. */
export function comparePairs(pairs: readonly (readonly [ours: number, rival: number])[]): Comparison {
  const ratios = pairs.map(([ours, rival]) => ours / rival)
  return {
    value: median(pairs.map(([ours]) => ours)),
    rivalValue: median(pairs.map(([, rival]) => rival)),
    ratio: median(ratios),
    spread: [round(Math.min(...ratios)), round(Math.max(...ratios))],
    pairs: pairs.length,
  }
}

export async function measurePairs(ours: () => Promise<number>, rival: () => Promise<number>): Promise<Comparison> {
  const rounds = await measureRounds({ ours, rival })
  return comparePairs(rounds.map((round) => [round.ours, round.rival]))
}

/** Prints a figure as one JSON line; `main.ts` turns the lines into a table for people. */
export function printFigure(figure: Figure): void {
  const { value, rivalValue, ratio } = figure
  console.log(
    JSON.stringify({
      ...figure,
      value: round(value),
      rivalValue: rivalValue === null ? null : round(rivalValue),
      ratio: ratio === null ? null : round(ratio),
    }),
  )
}
