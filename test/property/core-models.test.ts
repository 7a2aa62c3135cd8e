import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Counters } from '../../src/core/counters.ts'
import { LruCache } from '../../src/core/lru-cache.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'

describe('a cache', () => {
  type Step = readonly [kind: 'get' | 'set' | 'delete', key: number, value: number]
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.tuple(fc.constantFrom('get' as const, 'set' as const, 'delete' as const), fc.nat(12), fc.nat(1_000)),
    { maxLength: 200 },
  )

  test('holds what a list by last use holds, and never more than its capacity', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), steps, (capacity, list) => {
        const cache = new LruCache<number, number>(capacity)
        // Youngest last.
        let model: (readonly [key: number, value: number])[] = []
        for (const [kind, key, value] of list) {
          const known = model.find(([other]) => other === key)
          if (kind === 'set') {
            cache.set(key, value)
            model = [...model.filter(([other]) => other !== key), [key, value] as const].slice(-capacity)
          } else if (kind === 'get') {
            expect(cache.get(key)).toBe(known?.[1])
            if (known !== undefined) model = [...model.filter(([other]) => other !== key), known]
          } else {
            expect(cache.delete(key)).toBe(known !== undefined)
            model = model.filter(([other]) => other !== key)
          }
          expect(cache.size).toBe(model.length)
        }
        for (const [key, value] of model) expect(cache.get(key)).toBe(value)
      }),
    )
  })
})

describe('virtual time', () => {
  /** A timer that makes further timers when it runs. */
  interface Plan {
    readonly ms: number
    readonly isCancelled: boolean
    readonly further: readonly Plan[]
  }
  const planOf = (further: fc.Arbitrary<readonly Plan[]>): fc.Arbitrary<Plan> =>
    fc.record({
      ms: fc.oneof(fc.nat(20), fc.double({ min: 0, max: 50, noNaN: true })),
      isCancelled: fc.boolean(),
      further,
    })
  const several = (plan: fc.Arbitrary<Plan>): fc.Arbitrary<Plan[]> => fc.array(plan, { maxLength: 3 })
  const plans = fc.array(planOf(several(planOf(several(planOf(fc.constant([])))))), { maxLength: 10 })

  test('runs timers by time, those of one time in the order in which they were made, each at its own time', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (roots) => {
        const clock = new VirtualClock()
        const ran: { readonly due: number; readonly made: number }[] = []
        let made = 0
        let expected = 0
        const make = ({ ms, isCancelled, further }: Plan): void => {
          const timer = { due: clock.monotonic() + ms, made: made++ }
          const handle = clock.after(ms, () => {
            expect(clock.monotonic()).toBe(timer.due)
            ran.push(timer)
            for (const next of further) make(next)
          })
          if (isCancelled) handle.cancel()
          else expected += 1
        }
        for (const plan of roots) make(plan)
        await clock.runUntilIdle()
        expect(ran).toHaveLength(expected)
        expect(ran).toEqual(ran.toSorted((a, b) => a.due - b.due || a.made - b.made))
        expect(clock.pending).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  test('ends at the same place in one step as in many', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(100), { maxLength: 30 }),
        fc.array(fc.nat(40), { maxLength: 6 }),
        async (at, cuts) => {
          const run = async (steps: readonly number[]): Promise<unknown> => {
            const clock = new VirtualClock()
            const log: [number, number][] = []
            for (const [name, ms] of at.entries()) clock.after(ms, () => log.push([name, clock.monotonic()]))
            for (const step of steps) await clock.advance(step)
            return { log, now: clock.now(), pending: clock.pending }
          }
          expect(await run([...cuts, 0])).toEqual(await run([cuts.reduce((sum, cut) => sum + cut, 0)]))
        },
      ),
      { numRuns: 60 },
    )
  })
})

test('counters add up whatever the order, and are listed by name', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b.c', 'b', '10', '9'), fc.nat(9))), (adds) => {
      const counters = new Counters()
      const backwards = new Counters()
      for (const [name, by] of adds) counters.add(name, by)
      for (const [name, by] of adds.toReversed()) backwards.add(name, by)
      expect(counters.snapshot()).toEqual(backwards.snapshot())
      for (const name of ['a', 'b', 'never']) {
        const sum = adds.filter(([other]) => other === name).reduce((total, [, by]) => total + by, 0)
        expect(counters.get(name)).toBe(sum)
      }
    }),
  )
})
