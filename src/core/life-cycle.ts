/** What a stop takes at most, in ms, when nobody sets another limit: for a whole context, and for a part that is stopped by itself. */
export const STOP_MS = 10_000

export interface StopOptions {
  /**
   * Reading of the clock's `monotonic()` by which the part has ended: it gives up what is not done by then, and counts it.
   * An instant and not a span, so that what one part takes is missing to those after it and the spans do not add up.
   * @default STOP_MS from now
   */
  readonly by?: number
}

/** A part that is started once and stopped once; both are idempotent and `stop` before `start` is legal. */
export interface LifeCycle {
  /** Ms of a stop that the parts stopped before this one leave to it, however long they would like to take. @default 100 */
  readonly stopReserve?: number
  start(options?: { signal?: AbortSignal }): Promise<void>
  stop(options?: StopOptions): Promise<void>
}
