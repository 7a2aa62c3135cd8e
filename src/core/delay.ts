/**
 * A delay that every clock understands alike: what has passed already is due now.
 * Throws RangeError for NaN and infinities, which real timers would silently turn into 1 ms.
 */
export function checkedDelay(ms: number): number {
  if (!Number.isFinite(ms)) throw new RangeError(`a delay is a finite number of ms, got ${ms}`)
  return Math.max(ms, 0)
}
