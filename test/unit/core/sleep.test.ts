import { describe, expect, test } from 'vitest'
import { sleep } from '../../../src/core/sleep.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'

describe('sleep', () => {
  test('resolves after its time', async () => {
    const clock = new VirtualClock()
    await clock.runFor(sleep(clock, 40, { signal: new AbortController().signal }))
    expect(clock.monotonic()).toBe(40)
  })

  test('rejects with the reason of a signal, before or during, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const reason = new Error('enough')
    await expect(sleep(clock, 40, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const abort = new AbortController()
    const sleeping = sleep(clock, 40, { signal: abort.signal })
    abort.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
  })
})
