import { describe, expect, test } from 'vitest'
import { sleep } from '../../../src/core/sleep.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { withDeadline } from '../../../src/core/with-deadline.ts'

const late = (): Error => new Error('late')

describe('a deadline', () => {
  test('hands on what comes in time, good or bad, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const { signal } = new AbortController()
    expect(await withDeadline(clock, 40, Promise.resolve(1), late, { signal })).toBe(1)
    await expect(withDeadline(clock, 40, Promise.reject(new Error('bad')), late)).rejects.toThrow('bad')
    expect(clock.pending).toBe(0)
  })

  test('rejects what comes late, whatever becomes of the work', async () => {
    const clock = new VirtualClock()
    const work = sleep(clock, 50).then(() => Promise.reject(new Error('too late to matter')))
    await expect(clock.runFor(withDeadline(clock, 40, work, late))).rejects.toThrow('late')
    expect(clock.monotonic()).toBe(40)
    await clock.advance(20)
  })

  test('rejects with the reason of a signal, before or during, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const reason = new Error('enough')
    const never = new Promise(() => undefined)
    await expect(withDeadline(clock, 40, never, late, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const abort = new AbortController()
    const waiting = withDeadline(clock, 40, never, late, { signal: abort.signal })
    abort.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
  })

  test('looks after a rejection of the work that was aborted before it began', async () => {
    const clock = new VirtualClock()
    const reason = new Error('enough')
    const work = Promise.reject(new Error('nobody waits for this'))
    await expect(withDeadline(clock, 40, work, late, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await clock.advance(0)
  })
})
