import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fifo } from '../../../src/core/fifo.ts'

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
