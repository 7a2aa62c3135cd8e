/** Waits of the membership layer, in ms. Shorter ones notice sooner and cost more messages. */
export interface MembershipTiming {
  /** Between renewals of the own entry and between digest exchanges; an entry not renewed for three periods is absent. */
  readonly period: number
  /** For a whole hello, and for the answer to a challenge a quarter of it: 1 s in PROTOCOL.md. */
  readonly hello: number
  /** The end that waits for the other to begin the hello begins it itself after this. */
  readonly grace: number
  /** After which an announcement resolves although members have not acknowledged it. */
  readonly acknowledge: number
  /** Longest that `start` waits for the first neighbour while an address is still being tried. */
  readonly join: number
  /**
   * Before a chosen neighbour is dialled while other links are there, made longer at random by up to as much: when many
   * join at once only those that stay chosen are dialled, and a newcomer's own business goes first.
   */
  readonly settle: number
  /** First wait before dialling again; doubles up to `redialMax`, each shortened at random by up to a half. */
  readonly redial: number
  readonly redialMax: number
}

/** Fits one machine, a LAN and ordinary WANs: the period is that of PROTOCOL.md. */
export const defaultTiming: MembershipTiming = {
  period: 10_000,
  hello: 4_000,
  grace: 1_000,
  acknowledge: 2_000,
  join: 10_000,
  settle: 500,
  redial: 100,
  redialMax: 10_000,
}
