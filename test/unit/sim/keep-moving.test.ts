import { expect, test } from 'vitest'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { keepMoving } from '../../../src/sim/keep-moving.ts'

test('time goes on while somebody awaits without knowing of the clock', async () => {
  const clock = new VirtualClock()
  const mover = keepMoving(clock)
  await new Promise<void>((resolve) => clock.after(1_000, resolve))
  expect(clock.monotonic()).toBeGreaterThanOrEqual(1_000)
  const before = clock.monotonic()
  await mover.pass(100)
  expect(clock.monotonic()).toBeGreaterThanOrEqual(before + 100)
  await mover.stop()
  const end = clock.monotonic()
  await new Promise((resolve) => setImmediate(resolve))
  expect(clock.monotonic()).toBe(end)
})

test('until waits for a condition, and says what did not come', async () => {
  const clock = new VirtualClock()
  const mover = keepMoving(clock)
  let isDone = false
  clock.after(500, () => {
    isDone = true
  })
  await mover.until(() => isDone, 'done')
  expect(clock.monotonic()).toBeGreaterThanOrEqual(500)
  await expect(mover.until(() => false, 'the impossible', { limit: 50 })).rejects.toThrow('the impossible')
  await mover.stop()
})
