import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DroppedRanges } from '../../src/broker/mesh/dropped-ranges.ts'
import { SendQueue, type Waiting } from '../../src/broker/mesh/send-queue.ts'
import { TokenBucket } from '../../src/core/token-bucket.ts'

type Act = { readonly do: 'push'; readonly size: number } | { readonly do: 'shift' | 'clear' }

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('push' as const), size: fc.nat({ max: 9 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('shift' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
)

test('a queue of messages is a list with its bytes counted', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), fc.integer({ min: 1, max: 60 }), (acts, repeats) => {
      const queue = new SendQueue()
      let model: Waiting[] = []
      const sizeOf = (one: Waiting): number => one.envelope.length + (one.frame?.length ?? 0)
      for (let round = 0; round < repeats; round += 1)
        for (const one of acts) {
          if (one.do === 'push') {
            const envelope = new Uint8Array(one.size)
            const waiting = { envelope, frame: one.size % 2 === 0 ? undefined : new Uint8Array(1) }
            queue.push(waiting)
            model.push(waiting)
          } else if (one.do === 'shift') {
            queue.shift()
            model.shift()
          } else {
            expect(queue.clear()).toBe(model.length)
            model = []
          }
          expect(queue.first).toBe(model[0])
          expect(queue.isEmpty).toBe(model.length === 0)
          expect(queue.bytes).toBe(model.reduce((sum, waiting) => sum + sizeOf(waiting), 0))
        }
    }),
  )
})

test('what was dropped is told once, from the first to the last of each shard, and counted number by number', () => {
  const drop = fc.record({ shard: fc.nat({ max: 3 }), length: fc.integer({ min: 1, max: 9 }), isTaken: fc.boolean() })
  fc.assert(
    fc.property(fc.array(drop, { maxLength: 40 }), (drops) => {
      const dropped = new DroppedRanges()
      const next = [0, 0, 0, 0]
      const untold = new Map<number, { first: number; last: number }>()
      for (const { shard, length, isTaken } of drops) {
        const first = next[shard]!
        const last = first + length - 1
        // Later numbers of the shard went out in between.
        next[shard] = last + 3
        expect(dropped.add([{ shard, first, last }])).toBe(length)
        untold.set(shard, { first: untold.get(shard)?.first ?? first, last })
        expect(dropped.isEmpty).toBe(false)
        if (!isTaken) continue
        expect(new Map(dropped.take().map(({ shard: of, ...range }) => [of, range]))).toEqual(untold)
        untold.clear()
        expect(dropped.isEmpty).toBe(true)
        expect(dropped.take()).toEqual([])
      }
    }),
  )
})

test('a rate lets through its burst and its average, in any stretch of time, and is not more strict than that', () => {
  const step = fc.record({ after: fc.nat({ max: 400 }), count: fc.integer({ min: 1, max: 5 }) })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 5, max: 40 }),
      fc.array(step),
      (rate, burst, steps) => {
        let now = 0
        const bucket = new TokenBucket({ monotonic: () => now }, rate, burst)
        const passed: { at: number; count: number }[] = []
        let model = burst
        for (const { after, count } of steps) {
          now += after
          model = Math.min(burst, model + (after * rate) / 1_000)
          const isTaken = bucket.take(count)
          expect(isTaken).toBe(model >= count)
          if (!isTaken) continue
          model -= count
          passed.push({ at: now, count })
        }
        for (const from of passed) {
          let sum = 0
          for (const { at, count } of passed) {
            if (at < from.at) continue
            sum += count
            expect(sum).toBeLessThanOrEqual(burst + ((at - from.at) * rate) / 1_000 + 1e-6)
          }
        }
      },
    ),
  )
})
