import { z } from 'zod'

export const Verdict = z.object({ anomalous: z.boolean(), score: z.number(), median: z.number() })
export type Verdict = z.infer<typeof Verdict>

/** Iglewicz and Hoaglin's bound for the modified z-score ("How to Detect and Handle Outliers", 1993). */
const bound = 3.5
/** 0.6745 is the 0.75 quantile of the normal distribution: it makes the median deviation comparable with sigma. */
const quantile = 0.6745

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/**
 * The modified z-score of `value` against a window: robust, since half of the window may be wrong before it is.
 * @param floor smallest deviation that counts, in the metric's own unit: an idle machine's deviation is almost nothing,
 * and without a floor its every breath would be an anomaly
 */
export function judge(window: readonly number[], value: number, floor: number): Verdict {
  const middle = median(window)
  const deviation = Math.max(median(window.map((one) => Math.abs(one - middle))), floor)
  const score = (quantile * (value - middle)) / deviation
  return { anomalous: score > bound, score, median: middle }
}
