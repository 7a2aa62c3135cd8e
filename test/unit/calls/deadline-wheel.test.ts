import { expect, test } from 'vitest'
import { DeadlineWheel, Timed } from '../../../src/calls/deadline-wheel.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'

class Entry extends Timed {
  readonly #clock: VirtualClock
  readonly #log: [number, number][]

  constructor(deadline: number, clock: VirtualClock, log: [number, number][]) {
    super(deadline)
    this.#clock = clock
    this.#log = log
  }

  override expire(): void {
    this.#log.push([this.deadline, this.#clock.monotonic()])
  }
}

function wheel(): { wheel: DeadlineWheel; clock: VirtualClock; log: [number, number][]; add(at: number): Entry } {
  const clock = new VirtualClock()
  const log: [number, number][] = []
  const made = new DeadlineWheel(clock)
  const add = (at: number): Entry => {
    const entry = new Entry(at, clock, log)
    made.add(entry)
    return entry
  }
  return { wheel: made, clock, log, add }
}

test('expires each entry once, never early and at most 4 ms late, whatever the order of adding', async () => {
  const { wheel: deadlines, clock, log, add } = wheel()
  const at = [9_000, 3, 4_097, 1, 1, 4_096, 50, 20_000, 8_192.5, 100]
  for (const deadline of at) add(deadline)
  await clock.advance(30_000)
  expect(log.map(([deadline]) => deadline)).toEqual([...at].sort((a, b) => a - b))
  for (const [deadline, now] of log) {
    expect(now).toBeGreaterThanOrEqual(deadline)
    expect(now - deadline).toBeLessThanOrEqual(4)
  }
  expect(deadlines.size).toBe(0)
  expect(clock.pending).toBe(0)
})

test('forgets what was removed, from the front, the middle and the end of a slot, and twice', async () => {
  const { wheel: deadlines, clock, log, add } = wheel()
  const [first, second, third, fourth] = [add(10), add(10.5), add(11), add(11.5)]
  deadlines.remove(second!)
  deadlines.remove(fourth!)
  deadlines.remove(first!)
  deadlines.remove(first!)
  expect(deadlines.size).toBe(1)
  await clock.advance(100)
  expect(log.map(([deadline]) => deadline)).toEqual([third!.deadline])
})

test('an entry whose deadline has passed already expires at once', async () => {
  const { clock, log, add } = wheel()
  add(5)
  await clock.advance(1_000)
  add(10)
  await clock.advance(0)
  await clock.advance(4)
  expect(log.map(([deadline]) => deadline)).toEqual([5, 10])
})

test('uses one timer for thousands of entries', async () => {
  const { wheel: deadlines, clock, log, add } = wheel()
  for (let at = 1; at <= 5_000; at++) add(at)
  expect(clock.pending).toBe(1)
  expect(deadlines.size).toBe(5_000)
  await clock.advance(5_004)
  expect(log).toHaveLength(5_000)
})

test('a sooner entry moves the timer forward', async () => {
  const { clock, log, add } = wheel()
  add(10_000)
  add(8)
  await clock.advance(8)
  expect(log).toEqual([[8, 8]])
})

test('nothing expires after stop', async () => {
  const { wheel: deadlines, clock, log, add } = wheel()
  add(10)
  deadlines.stop()
  deadlines.stop()
  await clock.advance(100)
  expect(log).toEqual([])
})
