import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Mailbox } from '../../src/agent/mailbox.ts'

type Step = { readonly push: number } | 'shift'

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: -2, max: 12 }).map((push): Step => ({ push })) },
    { weight: 2, arbitrary: fc.constant<Step>('shift') },
  ),
  { maxLength: 300 },
)

interface Item {
  readonly at: number
  readonly priority: number
}

/** What the mailbox says it does, written as plainly as can be: one sorted list. */
class Model {
  readonly #limit: number
  #items: Item[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#items.length
  }

  push(item: Item): Item | undefined {
    this.#items = [...this.#items, item].toSorted((a, b) => b.priority - a.priority || a.at - b.at)
    return this.#items.length > this.#limit ? this.#items.pop() : undefined
  }

  shift(): Item | undefined {
    return this.#items.shift()
  }
}

const clamped = (priority: number): number => Math.min(9, Math.max(0, priority))

describe('AG-6 a mailbox', () => {
  test('hands out, sheds and counts as a sorted list would, whatever comes in which order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), steps, (limit, list) => {
        const mailbox = new Mailbox<Item>(limit)
        const model = new Model(limit)
        for (const [at, step] of list.entries()) {
          if (step === 'shift') {
            expect(mailbox.shift()).toBe(model.shift())
          } else {
            const item = { at, priority: clamped(step.push) }
            expect(mailbox.push(item, step.push)).toBe(model.push(item))
          }
          expect(mailbox.size).toBe(model.size)
        }
      }),
    )
  })

  test('loses nothing: what was pushed is handed out or shed, once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.array(fc.nat(9), { maxLength: 200 }), (limit, priorities) => {
        const mailbox = new Mailbox<number>(limit)
        const seen: number[] = []
        for (const [at, priority] of priorities.entries()) {
          const shed = mailbox.push(at, priority)
          if (shed !== undefined) seen.push(shed)
        }
        for (let item = mailbox.shift(); item !== undefined; item = mailbox.shift()) seen.push(item)
        expect(seen.toSorted((a, b) => a - b)).toEqual(priorities.map((_, at) => at))
        expect(mailbox.size).toBe(0)
      }),
    )
  })

  test('never sheds the more important for the less', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.array(fc.nat(9), { maxLength: 100 }), (limit, priorities) => {
        const mailbox = new Mailbox<number>(limit)
        for (const priority of priorities) {
          const shed = mailbox.push(priority, priority)
          if (shed !== undefined) expect(shed).toBeLessThanOrEqual(priority)
        }
        const kept: number[] = []
        for (let item = mailbox.shift(); item !== undefined; item = mailbox.shift()) kept.push(item)
        expect(kept).toEqual(priorities.toSorted((a, b) => b - a).slice(0, limit))
      }),
    )
  })
})
