import { expect, test } from 'vitest'
import { TimerHeap } from '../../../src/core/timer-heap.ts'

const nothing = (): void => undefined

test('an empty heap has no first timer', () => {
  const heap = new TimerHeap()
  expect(heap.first()).toBeUndefined()
  expect(heap.takeFirst()).toBeUndefined()
  expect(heap.size).toBe(0)
})

test('a timer that was taken is not counted as cancelled', () => {
  const heap = new TimerHeap()
  heap.add(1, nothing)
  heap.add(2, nothing)
  const taken = heap.takeFirst()
  taken?.cancel()
  expect(taken?.isWaiting).toBe(false)
  expect(heap.size).toBe(1)
  expect(heap.takeFirst()?.at).toBe(2)
})

test('cancelled timers surface and go, whichever of them is first', () => {
  const heap = new TimerHeap()
  const timers = [1, 2, 3, 4, 5, 6, 7].map((at) => heap.add(at, nothing))
  for (const at of [0, 1, 3]) timers[at]?.cancel()
  expect(heap.size).toBe(4)
  expect([heap.takeFirst()?.at, heap.takeFirst()?.at, heap.size]).toEqual([3, 5, 2])
})

test('memory does not grow with timers that are cancelled at once', () => {
  const heap = new TimerHeap()
  const kept = heap.add(1_000, nothing)
  for (let at = 0; at < 10_000; at += 1) heap.add(at, nothing).cancel()
  expect(heap.size).toBe(1)
  expect(heap.first()).toBe(kept)
})
