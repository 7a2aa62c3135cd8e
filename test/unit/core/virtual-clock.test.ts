import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { sleep } from '../../../src/core/sleep.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'

describe('virtual time', () => {
  test('stands still until it is moved', async () => {
    const clock = new VirtualClock({ start: 1_000 })
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0])
    await clock.advance(2.5)
    expect([clock.now(), clock.monotonic()]).toEqual([1_002, 2.5])
  })

  test('never goes back', async () => {
    const clock = new VirtualClock()
    await clock.advance(10)
    await clock.runUntil(4)
    expect(clock.monotonic()).toBe(10)
    await expect(clock.advance(Number.NaN)).rejects.toThrow(RangeError)
  })

  test('shows each timer its own time, and stops before those that are not due', async () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    for (const ms of [30, 10, 20.5, 40]) clock.after(ms, () => seen.push(clock.monotonic()))
    await clock.advance(30)
    expect(seen).toEqual([10, 20.5, 30])
    expect(clock.pending).toBe(1)
  })

  test('lets chains of promises of any length settle before time goes on', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    clock.after(10, async () => {
      for (let turn = 0; turn < 1_000; turn += 1) await Promise.resolve()
      seen.push(`settled at ${clock.monotonic()}`)
      await sleep(clock, 5)
      seen.push(`slept until ${clock.monotonic()}`)
    })
    clock.after(11, () => seen.push('next'))
    await clock.advance(100)
    expect(seen).toEqual(['settled at 10', 'next', 'slept until 15'])
  })

  test('runs ends of turns at the time of their turn, also those asked for before it moved', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    clock.endOfTurn(() => seen.push(`start ${clock.monotonic()}`))
    clock.after(10, () => {
      clock.endOfTurn(() => {
        seen.push(`end ${clock.monotonic()}`)
        clock.endOfTurn(() => seen.push(`end of the end ${clock.monotonic()}`))
      })
      void Promise.resolve().then(() => seen.push('promise'))
    })
    clock.after(11, () => seen.push('next'))
    await clock.advance(0)
    expect(seen).toEqual(['start 0'])
    await clock.advance(20)
    expect(seen).toEqual(['start 0', 'promise', 'end 10', 'end of the end 10', 'next'])
  })

  test('runs timers without delay at the same time, but after the promises of their maker', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    clock.after(10, () => {
      clock.after(0, () => seen.push(`made ${clock.monotonic()}`))
      void Promise.resolve().then(() => seen.push('promise'))
    })
    clock.after(10, () => seen.push('sibling'))
    await clock.advance(10)
    expect(seen).toEqual(['sibling', 'promise', 'made 10'])
  })

  test('takes one real turn a timestamp, not one a timer', async () => {
    const clock = new VirtualClock()
    for (let at = 0; at < 500; at += 1) clock.after(10, () => undefined)
    let turns = 0
    let isDone = false
    const count = (): void => {
      turns += 1
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    await clock.advance(10)
    isDone = true
    expect(turns).toBeLessThan(10)
  })

  test('runs until no timer waits, or says that this does not end', async () => {
    const clock = new VirtualClock()
    let left = 3
    const again = (): void => {
      left -= 1
      if (left > 0) clock.after(100, again)
    }
    clock.after(100, again)
    await clock.runUntilIdle()
    expect([left, clock.monotonic(), clock.pending]).toEqual([0, 300, 0])
    const forever = (): void => {
      clock.after(100, forever)
    }
    forever()
    await expect(clock.runUntilIdle({ limit: 1_000 })).rejects.toThrow('after 1000 ms')
    expect(clock.monotonic()).toBe(1_300)
  })

  test('runs for a piece of work just as long as it takes, and hands on its outcome', async () => {
    const clock = new VirtualClock()
    clock.after(1_000, () => undefined)
    expect(await clock.runFor(sleep(clock, 50).then(() => 'done'))).toBe('done')
    expect(clock.monotonic()).toBe(50)
    const failing = sleep(clock, 50).then(() => Promise.reject(new Error('of the work')))
    await expect(clock.runFor(failing)).rejects.toThrow('of the work')
  })

  test('says when nothing can settle the work, and when it takes too long', async () => {
    const clock = new VirtualClock()
    await expect(clock.runFor(new Promise(() => undefined))).rejects.toThrow('no timer brings')
    await expect(clock.runFor(sleep(clock, 500), { limit: 100 })).rejects.toThrow('after 100 ms')
  })

  test('is moved by one at a time, and can be moved again after a timer threw', async () => {
    const clock = new VirtualClock()
    const first = clock.advance(10)
    await expect(clock.advance(10)).rejects.toThrow('moved already')
    await first
    clock.after(5, () => {
      throw new Error('of a timer')
    })
    await expect(clock.advance(10)).rejects.toThrow('of a timer')
    await clock.advance(10)
    expect(clock.monotonic()).toBe(25)
  })

  test('runs a thousand timers as a sorted list would, also when most are cancelled', async () => {
    const random = new SeededRandom('timers')
    const clock = new VirtualClock()
    const model: { at: number; order: number }[] = []
    const seen: number[] = []
    for (let order = 0; order < 2_000; order += 1) {
      const at = Math.floor(random.float() * 200)
      const timer = clock.after(at, () => seen.push(order))
      if (random.float() < 0.7) timer.cancel()
      else model.push({ at, order })
    }
    expect(clock.pending).toBe(model.length)
    await clock.advance(200)
    model.sort((a, b) => a.at - b.at || a.order - b.order)
    expect(seen).toEqual(model.map(({ order }) => order))
    expect(clock.pending).toBe(0)
  })
})
