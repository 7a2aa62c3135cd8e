/**
 * How far the clocks of two members may differ, ms: another's may lie so far ahead of ours. What it signed, and what is
 * past its expiry by its clock, is judged with that much patience.
 */
export const CLOCK_AHEAD = 30_000

/** How far another's clock, and the signed time of a live frame, may lie behind ours, ms: its way here counts, too. */
export const CLOCK_BEHIND = 120_000
