import { describe, expect, test } from 'vitest'
import { compose } from '../../../src/core/compose.ts'
import type { LifeCycle, StopOptions } from '../../../src/core/life-cycle.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'

const clock = new VirtualClock()

function part(name: string, log: string[], faults: { start?: Error; stop?: Error } = {}): LifeCycle {
  return {
    start: async () => {
      log.push(`start ${name}`)
      if (faults.start) throw faults.start
    },
    stop: async () => {
      log.push(`stop ${name}`)
      if (faults.stop) throw faults.stop
    },
  }
}

describe('a composition', () => {
  test('starts in order and stops in reverse, each once', async () => {
    const log: string[] = []
    const whole = compose(clock, [part('a', log), part('b', log)])
    await Promise.all([whole.start(), whole.start()])
    await Promise.all([whole.stop(), whole.stop()])
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  test('is stopped when it is disposed of', async () => {
    const log: string[] = []
    {
      await using whole = compose(clock, [part('a', log)])
      await whole.start()
    }
    expect(log).toEqual(['start a', 'stop a'])
  })

  test('can be stopped before it was started, and does not start after that', async () => {
    const log: string[] = []
    const whole = compose(clock, [part('a', log)])
    await whole.stop()
    await whole.start()
    expect(log).toEqual([])
  })

  test('stops what it had started when a part fails to, the failed one included', async () => {
    const log: string[] = []
    const fault = new Error('b is broken')
    const whole = compose(clock, [part('a', log), part('b', log, { start: fault }), part('c', log)])
    await expect(whole.start()).rejects.toBe(fault)
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a'])
    await whole.stop()
    expect(log).toHaveLength(4)
  })

  test('tells of both when the stopping after a failed start fails too', async () => {
    const start = new Error('no start')
    const stop = new Error('no stop')
    const failed = await compose(clock, [part('a', [], { start, stop })])
      .start()
      .catch((reason: unknown) => reason)
    expect(failed).toBeInstanceOf(AggregateError)
    expect((failed as AggregateError).errors).toEqual([start, stop])
    expect((failed as AggregateError).cause).toBe(start)
  })

  test('goes through all parts although some fail to stop', async () => {
    const log: string[] = []
    const one = new Error('one')
    const two = new Error('two')
    const single = compose(clock, [part('a', log), part('b', log, { stop: one })])
    await single.start()
    await expect(single.stop()).rejects.toBe(one)
    expect(log.at(-1)).toBe('stop a')
    const double = compose(clock, [part('a', log, { stop: one }), part('b', log, { stop: two })])
    await double.start()
    await expect(double.stop()).rejects.toMatchObject({ errors: [two, one] })
  })

  test('starts nothing more once its signal is aborted', async () => {
    const log: string[] = []
    const abort = new AbortController()
    const reason = new Error('enough')
    const aborting: LifeCycle = {
      start: async () => abort.abort(reason),
      stop: async () => void log.push('stop aborting'),
    }
    const whole = compose(clock, [aborting, part('b', log)])
    await expect(whole.start({ signal: abort.signal })).rejects.toBe(reason)
    expect(log).toEqual(['stop aborting'])
  })

  test('that is stopped while it starts finishes the part at hand, then stops', async () => {
    const log: string[] = []
    let goOn = (): void => undefined
    const slow: LifeCycle = {
      start: () =>
        new Promise((resolve) => {
          goOn = resolve
        }),
      stop: async () => void log.push('stop slow'),
    }
    const whole = compose(clock, [slow, part('b', log)])
    const starting = whole.start()
    const stopping = whole.stop()
    goOn()
    await Promise.all([starting, stopping])
    expect(log).toEqual(['stop slow'])
  })
})

describe('a composition that stops', () => {
  /** Takes all the time it is told it has, or goes beyond it. */
  class Slow implements LifeCycle {
    readonly stopReserve: number
    readonly #clock: VirtualClock
    readonly #isStuck: boolean
    readonly log: number[]

    constructor(stopReserve: number, time: VirtualClock, log: number[], isStuck = false) {
      this.stopReserve = stopReserve
      this.#clock = time
      this.#isStuck = isStuck
      this.log = log
    }

    async start(): Promise<void> {}

    stop({ by = Number.NaN }: StopOptions = {}): Promise<void> {
      this.log.push(by)
      return new Promise((resolve) => {
        if (!this.#isStuck) this.#clock.after(by - this.#clock.monotonic(), resolve)
      })
    }
  }

  test('has one deadline for all: each part takes what is left without the reserves of those after it', async () => {
    const time = new VirtualClock()
    const log: number[] = []
    const whole = compose(time, [new Slow(300, time, log), part('quick', []), new Slow(500, time, log)])
    await whole.start()
    expect(whole.stopReserve).toBe(900)
    await time.advance(1_000)
    await time.runFor(whole.stop({ by: 3_000 }))
    expect(log).toEqual([2_550, 2_950])
    expect([time.monotonic(), time.pending, whole.stopReserve]).toEqual([2_950, 0, 0])
  })

  test('has 10 s when nobody says less', async () => {
    const time = new VirtualClock()
    const log: number[] = []
    const whole = compose(time, [new Slow(100, time, log)])
    await whole.start()
    await time.runFor(whole.stop())
    expect(log).toEqual([9_950])
  })

  test('leaves behind by name what does not end, and goes on to the others', async () => {
    const time = new VirtualClock()
    const [log, names]: [number[], string[]] = [[], []]
    const whole = compose(time, [part('first', names), new Slow(200, time, log, true), part('last', names)])
    await whole.start()
    const refused = expect(whole.stop({ by: 1_000 })).rejects.toMatchObject({
      code: 'ERR_STOP_TIMEOUT',
      details: { part: 'Slow' },
    })
    await time.advance(899)
    expect(names.at(-1)).toBe('stop last')
    await time.advance(1)
    await refused
    expect(names.at(-1)).toBe('stop first')
  })

  test('does not wait for a part that never finishes its start', async () => {
    const time = new VirtualClock()
    const log: string[] = []
    const stuck: LifeCycle = { start: () => new Promise(() => {}), stop: async () => void log.push('stop stuck') }
    const whole = compose(time, [part('a', log), stuck, part('never', log)])
    void whole.start()
    await time.advance(0)
    await time.runFor(whole.stop())
    expect(log).toEqual(['start a', 'stop stuck', 'stop a'])
    expect(time.monotonic()).toBe(9_800)
  })

  test('because its start failed ends, too, whatever its parts do', async () => {
    const time = new VirtualClock()
    const fault = new Error('no start')
    const whole = compose(time, [new Slow(100, time, [], true), part('b', [], { start: fault })])
    const refused = expect(whole.start()).rejects.toMatchObject({ cause: fault })
    await time.advance(10_000)
    await refused
  })
})
