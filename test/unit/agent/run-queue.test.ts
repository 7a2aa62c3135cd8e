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

/** A queue whose turns and tasks end when the test says so. */
function manual(): { queue: RunQueue; ends: (() => void)[]; tasks: (() => void)[]; pass: (ms: number) => void } {
  const [ends, tasks]: [(() => void)[], (() => void)[]] = [[], []]
  let time = 100
  const queue = new RunQueue({
    now: () => time,
    monotonic: () => time,
    after: (ms, run) => new VirtualClock().after(ms, run),
    endOfTurn: (run) => void ends.push(run),
    endOfTask: (run) => void tasks.push(run),
  })
  const pass = (ms: number): void => {
    time += ms
  }
  return { queue, ends, tasks, pass }
}

/** Steps that each wait for a promise, which is kept by coming back to the queue. */
const waiting = (queue: RunQueue, amount: number) => {
  const worker = {
    steps: 0,
    step(): boolean {
      worker.steps += 1
      if (worker.steps < amount) queue.resume(worker)
      return false
    },
  }
  return worker
}

test('whoever waited for a promise goes on within the turn, and no longer than there is room in it', () => {
  const { queue, ends, tasks } = manual()
  const worker = waiting(queue, 10_000)
  queue.add(worker)
  ends.shift()!()
  while (tasks.length > 0) tasks.shift()!()
  expect(worker.steps).toBe(4_096)
  expect(ends).toHaveLength(1)
  while (ends.length > 0) {
    ends.shift()!()
    while (tasks.length > 0) tasks.shift()!()
  }
  expect(worker.steps).toBe(10_000)
})

test('handlers that take their time leave the event loop its turn after 4 ms', () => {
  const { queue, ends, tasks, pass } = manual()
  const worker = waiting(queue, 100)
  queue.add(worker)
  ends.shift()!()
  while (tasks.length > 0) {
    pass(1)
    tasks.shift()!()
  }
  expect(worker.steps).toBe(5)
  expect(ends).toHaveLength(1)
})

test('in a turn in which nobody has worked yet, whoever waited for a promise works at its end', () => {
  const { queue, ends, tasks, pass } = manual()
  queue.add({ step: () => false })
  ends.shift()!()
  pass(50)
  const worker = waiting(queue, 1)
  queue.resume(worker)
  expect([tasks.length, ends.length, worker.steps]).toEqual([0, 1, 0])
  ends.shift()!()
  expect(worker.steps).toBe(1)
})

test('several who waited go on in one task, one after the other, and a flood among them waits for the next turn', () => {
  const { queue, ends, tasks } = manual()
  queue.add({ step: () => false })
  ends.shift()!()
  const log: string[] = []
  for (const name of ['a', 'b']) queue.resume({ step: () => log.push(name) < 1 })
  queue.resume({ step: () => log.push('flood') > 0 })
  expect(tasks).toHaveLength(1)
  tasks.shift()!()
  expect(log.slice(0, 3)).toEqual(['a', 'b', 'flood'])
  expect(log).toHaveLength(2 + 32)
  expect(ends).toHaveLength(1)
})
