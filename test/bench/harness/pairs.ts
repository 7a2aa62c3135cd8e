/** One line of the bench's output; `ratio` is value / rivalValue, whatever the direction that is better. */
export interface Figure {
  figure: string
  value: number
  unit: string
  rival: string | null
  rivalValue: number | null
  ratio: number | null
  conditions: Record<string, unknown>
}

export const quick = process.argv.includes('--quick')
export const pairCount = quick ? 3 : 7
export const windowSeconds = quick ? 1 : 2

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!

const round = (value: number): number => Number(value.toPrecision(4))

/** Measures both sides in turn, in the same minute, and keeps the median of each and of the ratios of the pairs. */
export async function measurePairs(
  ours: () => Promise<number>,
  rival: () => Promise<number>,
  pairs: number = pairCount,
): Promise<{ value: number; rivalValue: number; ratio: number; spread: [number, number]; pairs: number }> {
  const samples: { ours: number; rival: number }[] = []
  for (let pair = 0; pair < pairs; pair += 1) {
    const first = pair % 2 === 0
    const before = first ? await ours() : await rival()
    const after = first ? await rival() : await ours()
    samples.push(first ? { ours: before, rival: after } : { ours: after, rival: before })
  }
  const ratios = samples.map((sample) => sample.ours / sample.rival)
  return {
    value: median(samples.map((sample) => sample.ours)),
    rivalValue: median(samples.map((sample) => sample.rival)),
    ratio: median(ratios),
    spread: [round(Math.min(...ratios)), round(Math.max(...ratios))],
    pairs,
  }
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
