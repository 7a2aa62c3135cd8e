import type { Clock } from './clock.ts'
import { endedBy } from './ended-by.ts'
import { AmcpError } from './errors.ts'
import { type LifeCycle, STOP_MS, type StopOptions } from './life-cycle.ts'

const DEFAULT_RESERVE = 100
/** A part is told to have ended this many ms before it is left behind, so that it can give up in good order. */
const MARGIN = 50

export interface Composition extends LifeCycle, AsyncDisposable {
  /** The sum of what its parts that were started need. */
  readonly stopReserve: number
}

/**
 * Parts as one: started in order, stopped in reverse. When one fails to start, those before it are stopped again and the
 * failure is thrown. `stop` goes through all parts even when some fail, then throws what failed. Both are idempotent,
 * and a stopped composition does not start again: incarnations are drawn once.
 *
 * A stop has one deadline for all parts. Each may take what is left of it without the reserves of those after it; one that
 * has not ended by then is left behind with ERR_STOP_TIMEOUT, and the others go on.
 */
export function compose(clock: Clock, parts: readonly LifeCycle[]): Composition {
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
      const failures = await stopInReverse(clock, started, clock.monotonic() + STOP_MS)
      throw failures.length === 0
        ? reason
        : new AggregateError([reason, ...failures], String(reason), { cause: reason })
    }
  }

  const stopAll = async ({ by = clock.monotonic() + STOP_MS }: StopOptions): Promise<void> => {
    // A part that is being started is let finish first, if it does in time; its failure was the starter's to hear.
    if (starting !== undefined) await endedBy(clock, by - reserveOf(started), starting).catch(() => true)
    const failures = await stopInReverse(clock, started, by)
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} parts failed to stop`)
  }

  return {
    get stopReserve() {
      return reserveOf(started)
    },
    start: (options) => {
      starting ??= startAll(options)
      return starting
    },
    stop: (options = {}) => {
      stopping ??= stopAll(options)
      return stopping
    },
    async [Symbol.asyncDispose]() {
      await this.stop()
    },
  }
}

function reserveOf(parts: readonly LifeCycle[]): number {
  let sum = 0
  for (const { stopReserve = DEFAULT_RESERVE } of parts) sum += stopReserve
  return sum
}

async function stopInReverse(clock: Clock, parts: LifeCycle[], by: number): Promise<unknown[]> {
  const failures: unknown[] = []
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const until = by - reserveOf(parts)
    try {
      if (!(await endedBy(clock, until, part.stop({ by: until - MARGIN })))) failures.push(leftBehind(part))
    } catch (failure) {
      failures.push(failure)
    }
  }
  return failures
}

function leftBehind({ constructor: { name } }: LifeCycle): AmcpError {
  return new AmcpError('ERR_STOP_TIMEOUT', `${name} did not stop in time and was left behind`, {
    details: { part: name },
  })
}
