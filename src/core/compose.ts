import type { LifeCycle } from './life-cycle.ts'

/**
 * Parts as one: started in order, stopped in reverse. When one fails to start, those before it are stopped again and the
 * failure is thrown. `stop` goes through all parts even when some fail, then throws what failed. Both are idempotent,
 * and a stopped composition does not start again: incarnations are drawn once.
 */
export function compose(parts: readonly LifeCycle[]): LifeCycle & AsyncDisposable {
  let starting: Promise<void> | undefined
  let stopping: Promise<void> | undefined
  const started: LifeCycle[] = []

  const startAll = async (options?: { signal?: AbortSignal }): Promise<void> => {
    try {
      for (const part of parts) {
        options?.signal?.throwIfAborted()
        if (stopping !== undefined) return
        started.push(part)
        await part.start(options)
      }
    } catch (reason) {
      const failures = await stopInReverse(started)
      throw failures.length === 0
        ? reason
        : new AggregateError([reason, ...failures], String(reason), { cause: reason })
    }
  }

  const stopAll = async (): Promise<void> => {
    // A part that is being started is let finish first; its failure was the starter's to hear.
    await starting?.catch(() => undefined)
    const failures = await stopInReverse(started)
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} parts failed to stop`)
  }

  return {
    start: (options) => {
      starting ??= startAll(options)
      return starting
    },
    stop: () => {
      stopping ??= stopAll()
      return stopping
    },
    async [Symbol.asyncDispose]() {
      await this.stop()
    },
  }
}

async function stopInReverse(parts: LifeCycle[]): Promise<unknown[]> {
  const failures: unknown[] = []
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    try {
      await part.stop()
    } catch (failure) {
      failures.push(failure)
    }
  }
  return failures
}
