/** A part that is started once and stopped once; both are idempotent and `stop` before `start` is legal. */
export interface LifeCycle {
  start(options?: { signal?: AbortSignal }): Promise<void>
  stop(): Promise<void>
}
