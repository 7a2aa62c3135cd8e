import { describe, expect, test } from 'vitest'
import { compose } from '../../../src/core/compose.ts'
import type { LifeCycle } from '../../../src/core/life-cycle.ts'

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
    const whole = compose([part('a', log), part('b', log)])
    await Promise.all([whole.start(), whole.start()])
    await Promise.all([whole.stop(), whole.stop()])
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  test('is stopped when it is disposed of', async () => {
    const log: string[] = []
    {
      await using whole = compose([part('a', log)])
      await whole.start()
    }
    expect(log).toEqual(['start a', 'stop a'])
  })

  test('can be stopped before it was started, and does not start after that', async () => {
    const log: string[] = []
    const whole = compose([part('a', log)])
    await whole.stop()
    await whole.start()
    expect(log).toEqual([])
  })

  test('stops what it had started when a part fails to, the failed one included', async () => {
    const log: string[] = []
    const fault = new Error('b is broken')
    const whole = compose([part('a', log), part('b', log, { start: fault }), part('c', log)])
    await expect(whole.start()).rejects.toBe(fault)
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a'])
    await whole.stop()
    expect(log).toHaveLength(4)
  })

  test('tells of both when the stopping after a failed start fails too', async () => {
    const start = new Error('no start')
    const stop = new Error('no stop')
    const failed = await compose([part('a', [], { start, stop })])
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
    const single = compose([part('a', log), part('b', log, { stop: one })])
    await single.start()
    await expect(single.stop()).rejects.toBe(one)
    expect(log.at(-1)).toBe('stop a')
    const double = compose([part('a', log, { stop: one }), part('b', log, { stop: two })])
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
    const whole = compose([aborting, part('b', log)])
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
    const whole = compose([slow, part('b', log)])
    const starting = whole.start()
    const stopping = whole.stop()
    goOn()
    await Promise.all([starting, stopping])
    expect(log).toEqual(['stop slow'])
  })
})
