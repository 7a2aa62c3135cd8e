import { expect, test } from 'vitest'
import { RunQueue } from '../../../src/agent/run-queue.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'

test('neighbours take turns, and a flood does not keep the event loop from its turn', async () => {
  const clock = new VirtualClock()
  const ends: (() => void)[] = []
  const queue = new RunQueue({
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, run) => clock.after(ms, run),
    endOfTurn: (run) => void ends.push(run),
    endOfTask: (run) => clock.endOfTask(run),
  })
  const log: string[] = []
  const worker = (name: string, amount: number) => {
    let left = amount
    return {
      step: () => {
        log.push(name)
        left -= 1
        return left > 0
      },
    }
  }
  queue.add(worker('flood', 10_000))
  queue.add(worker('calm', 2))
  expect(ends).toHaveLength(1)
  ends.shift()!()
  expect(log.indexOf('calm')).toBe(32)
  expect(log.length).toBeGreaterThanOrEqual(4_096)
  expect(log.length).toBeLessThan(4_200)
  expect(ends).toHaveLength(1)
  while (ends.length > 0) ends.shift()!()
  expect(log).toHaveLength(10_002)
})

test('work that adds somebody to the queue while it runs is not scheduled twice', () => {
  const ends: (() => void)[] = []
  const clock = new VirtualClock()
  const queue = new RunQueue({
    now: () => 0,
    monotonic: () => 0,
    after: (ms, run) => clock.after(ms, run),
    endOfTurn: (run) => void ends.push(run),
    endOfTask: (run) => clock.endOfTask(run),
  })
  let ran = 0
  const late = { step: () => ++ran < 0 }
  let left = 5_000
  queue.add({
    step: () => {
      if (left === 5_000) queue.add(late)
      left -= 1
      return left > 0
    },
  })
  ends.shift()!()
  expect(ran).toBe(1)
  expect(ends).toHaveLength(1)
  ends.shift()!()
  expect([left, ends.length]).toEqual([0, 0])
})
