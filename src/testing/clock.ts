import assert from 'node:assert/strict'
import type { Clock } from '../core/clock.ts'

export interface OpenClock extends AsyncDisposable {
  readonly clock: Clock
  /** Lets time pass until the work is settled. */
  run<T>(work: Promise<T>): Promise<T>
}

export interface ClockSuite {
  describe(name: string, body: () => void): void
  test(name: string, body: () => Promise<void>): void
  open(): Promise<OpenClock>
}

/** What every Clock promises, whether its time passes by itself or is moved. */
export function clockConformance(name: string, { describe, test, open }: ClockSuite): void {
  describe(`Clock: ${name}`, () => {
    const passed = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))

    test('tells wall time in whole ms since 1970', async () => {
      await using opened = await open()
      assert.ok(Number.isInteger(opened.clock.now()))
      assert.ok(opened.clock.now() > Date.UTC(2020, 0))
    })

    test('runs a timer no earlier than asked, by both of its times', async () => {
      await using opened = await open()
      const { clock } = opened
      const wall = clock.now()
      const monotonic = clock.monotonic()
      await opened.run(passed(clock, 20))
      // Timers of real event loops are cut to whole ms, and wall time may be slewed by a little.
      assert.ok(clock.monotonic() - monotonic >= 19)
      assert.ok(clock.now() - wall >= 18)
    })

    test('runs timers in the order of their times, and of creation when they are equal', async () => {
      await using opened = await open()
      const { clock } = opened
      const order: string[] = []
      clock.after(30, () => order.push('last'))
      clock.after(10, () => order.push('first'))
      clock.after(10, () => order.push('second'))
      await opened.run(passed(clock, 40))
      assert.deepEqual(order, ['first', 'second', 'last'])
    })

    test('never runs a timer in the turn that made it, even without delay or with one in the past', async () => {
      await using opened = await open()
      const { clock } = opened
      let ran = 0
      clock.after(0, () => {
        ran += 1
      })
      clock.after(-5, () => {
        ran += 1
      })
      assert.equal(ran, 0)
      await opened.run(passed(clock, 10))
      assert.equal(ran, 2)
    })

    test('does not run a cancelled timer; cancelling again, or when it has run, does nothing', async () => {
      await using opened = await open()
      const { clock } = opened
      let ran = 0
      const count = (): void => {
        ran += 1
      }
      const cancelled = clock.after(5, count)
      cancelled.cancel()
      cancelled.cancel()
      const kept = clock.after(5, count)
      await opened.run(passed(clock, 20))
      kept.cancel()
      assert.equal(ran, 1)
    })

    test('lets a timer cancel another that is due at the same time', async () => {
      await using opened = await open()
      const { clock } = opened
      let ran = false
      clock.after(10, () => second.cancel())
      const second = clock.after(10, () => {
        ran = true
      })
      await opened.run(passed(clock, 30))
      assert.equal(ran, false)
    })

    test('refuses delays that are no finite number', async () => {
      await using opened = await open()
      for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
        assert.throws(() => opened.clock.after(ms, () => undefined), RangeError)
    })

    test('does not run a timer of months at once', async () => {
      await using opened = await open()
      let ran = false
      const timer = opened.clock.after(2 ** 32, () => {
        ran = true
      })
      await opened.run(passed(opened.clock, 20))
      timer.cancel()
      assert.equal(ran, false)
    })

    test('runs functions at the end of a turn in order, after the promises of the turn', async () => {
      await using opened = await open()
      const { clock } = opened
      const order: string[] = []
      const ended = new Promise<void>((resolve) => {
        clock.endOfTurn(() => order.push('end'))
        clock.endOfTurn(() => {
          order.push('end too')
          resolve()
        })
      })
      const chain = Promise.resolve()
        .then(() => order.push('promise'))
        .then(() => order.push('its promise'))
      order.push('turn')
      await opened.run(ended)
      await chain
      assert.deepEqual(order, ['turn', 'promise', 'its promise', 'end', 'end too'])
    })

    test('runs functions at the end of a task among the microtasks, in the order of asking', async () => {
      await using opened = await open()
      const { clock } = opened
      const order: string[] = []
      const ended = new Promise<void>((resolve) => {
        clock.endOfTurn(() => {
          order.push('turn')
          resolve()
        })
        void Promise.resolve().then(() => order.push('promise'))
        clock.endOfTask(() => order.push('task'))
        void Promise.resolve().then(() => order.push('later promise'))
        order.push('now')
      })
      await opened.run(ended)
      assert.deepEqual(order, ['now', 'promise', 'task', 'later promise', 'turn'])
    })

    test('runs what the end of a turn asks for at the end of the next', async () => {
      await using opened = await open()
      const { clock } = opened
      const order: string[] = []
      await opened.run(
        new Promise<void>((resolve) => {
          clock.endOfTurn(() => {
            clock.endOfTurn(() => {
              order.push('second')
              resolve()
            })
            order.push('first')
          })
        }),
      )
      assert.deepEqual(order, ['first', 'second'])
    })
  })
}
