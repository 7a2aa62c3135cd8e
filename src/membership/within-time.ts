import type { Clock } from '../core/clock.ts'
import { AmcpError } from '../core/errors.ts'

/** Runs `work` with a signal that aborts it with ERR_STREAM_CLOSED after `ms`: a black-holed link never says no itself. */
export async function withinTime<T>(clock: Clock, ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  const timer = clock.after(ms, () => abort.abort(new AmcpError('ERR_STREAM_CLOSED', `no answer within ${ms} ms`)))
  try {
    return await work(abort.signal)
  } finally {
    timer.cancel()
  }
}
