import { expect, test } from 'vitest'
import { deadline } from '../../../src/core/deadline.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'

test('aborts when the time is up, and says that it was the time', async () => {
  const clock = new VirtualClock()
  const limit = deadline(clock, 100)
  await clock.advance(99)
  expect(limit.signal.aborted).toBe(false)
  await clock.advance(1)
  expect(limit.signal.reason).toMatchObject({ name: 'TimeoutError' })
  expect(limit.isOver).toBe(true)
})

test('aborts with the reason of the caller, before or during the wait', () => {
  const reason = new Error('enough')
  const clock = new VirtualClock()
  expect(deadline(clock, 100, { signal: AbortSignal.abort(reason) }).signal.reason).toBe(reason)
  const controller = new AbortController()
  const limit = deadline(clock, 100, { signal: controller.signal })
  controller.abort(reason)
  expect(limit.signal.reason).toBe(reason)
  expect(limit.isOver).toBe(false)
})

test('does nothing any more once disposed of, and leaves no timer', async () => {
  const clock = new VirtualClock()
  const controller = new AbortController()
  const limit = deadline(clock, 100, { signal: controller.signal })
  limit[Symbol.dispose]()
  expect(clock.pending).toBe(0)
  controller.abort()
  await clock.advance(200)
  expect(limit.signal.aborted).toBe(false)
})
