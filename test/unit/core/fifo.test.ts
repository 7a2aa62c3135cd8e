import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fifo } from '../../../src/core/fifo.ts'
import { collectGarbage } from '../agent/one-place.ts'

describe('first in, first out', () => {
  test('gives what an array would, whatever is asked in whatever order', () => {
    const act = fc.oneof(
      { weight: 6, arbitrary: fc.nat().map((item) => ({ act: 'push', item }) as const) },
      { weight: 3, arbitrary: fc.constantFrom({ act: 'shift' } as const, { act: 'pop' } as const) },
      { weight: 1, arbitrary: fc.constant({ act: 'clear' } as const) },
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const fifo = new Fifo<number>()
        const model: number[] = []
        for (const one of acts) {
          if (one.act === 'push') {
            fifo.push(one.item)
            model.push(one.item)
          } else if (one.act === 'clear') {
            fifo.clear()
            model.length = 0
          } else expect(fifo[one.act]()).toBe(model[one.act]())
          expect([fifo.size, fifo.first]).toEqual([model.length, model[0]])
        }
      }),
    )
  })

  test('keeps nothing of what was taken while others wait', async () => {
    const fifo = new Fifo<object>()
    const traces = Array.from({ length: 8 }, (_, item) => {
      const held = { item }
      fifo.push(held)
      return new WeakRef(held)
    })
    for (let at = 0; at < 4; at += 1) fifo.shift()
    // A weak reference lasts until its job has ended.
    await new Promise<void>((resolve) => setImmediate(resolve))
    collectGarbage()
    expect(traces.map((trace) => trace.deref() !== undefined)).toEqual([
      ...Array(4).fill(false),
      ...Array(4).fill(true),
    ])
    expect(fifo.size).toBe(4)
  })

  test('keeps its order while thousands come and go', () => {
    const fifo = new Fifo<number>()
    let next = 0
    for (let n = 0; n < 10_000; n += 1) {
      fifo.push(n)
      if (n % 3 > 0) expect(fifo.shift()).toBe(next++)
    }
    expect(fifo.size).toBe(10_000 - next)
    while (fifo.size > 0) expect(fifo.shift()).toBe(next++)
    expect(next).toBe(10_000)
  })
})
