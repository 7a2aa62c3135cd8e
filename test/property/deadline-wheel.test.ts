import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeadlineWheel, Timed } from '../../src/calls/deadline-wheel.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'

class Entry extends Timed {
  readonly #onExpire: () => void

  constructor(deadline: number, onExpire: () => void) {
    super(deadline)
    this.#onExpire = onExpire
  }

  override expire(): void {
    this.#onExpire()
  }
}

type Step =
  | { readonly kind: 'add'; readonly wait: number }
  | { readonly kind: 'remove'; readonly which: number }
  | { readonly kind: 'advance'; readonly ms: number }

/** Waits around the edges of slots and turns, where wheels go wrong. */
const waits = fc.oneof(
  fc.integer({ min: -20, max: 40 }),
  fc.integer({ min: 4_090, max: 4_102 }),
  fc.integer({ min: 0, max: 20_000 }),
  fc.nat(10_000_000).map((us) => us / 1_000),
)

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('add' as const), wait: waits }),
    fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.oneof(fc.nat(20), fc.nat(6_000)) }),
  ) as fc.Arbitrary<Step>,
  { maxLength: 30 },
)

/** Time goes in steps of this many ms: an entry may be late by as much. */
const GRAIN = 4

test('MX-3 a wheel of deadlines expires what a plain list would: each once, never early, at most 4 ms late, in order', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const clock = new VirtualClock()
      const wheel = new DeadlineWheel(clock)
      const waiting = new Map<Entry, number>()
      const expired: { deadline: number; at: number; due: number }[] = []
      for (const step of list) {
        if (step.kind === 'add') {
          const added = clock.monotonic()
          const entry: Entry = new Entry(added + step.wait, () => {
            expect(waiting.delete(entry)).toBe(true)
            const due = Math.max(entry.deadline, added)
            expired.push({ deadline: entry.deadline, at: clock.monotonic(), due })
          })
          waiting.set(entry, entry.deadline)
          wheel.add(entry)
        } else if (step.kind === 'remove') {
          const entry = [...waiting.keys()][step.which % Math.max(1, waiting.size)]
          if (entry === undefined) continue
          waiting.delete(entry)
          wheel.remove(entry)
        } else {
          await clock.advance(step.ms)
          for (const deadline of waiting.values()) expect(deadline).toBeGreaterThan(clock.monotonic() - GRAIN)
        }
        expect(wheel.size).toBe(waiting.size)
      }
      await clock.advance(30_000)
      expect([waiting.size, wheel.size, clock.pending]).toEqual([0, 0, 0])
      for (const { at, deadline, due } of expired) {
        expect(at).toBeGreaterThanOrEqual(deadline)
        expect(at - due).toBeLessThanOrEqual(GRAIN)
      }
      // What was late when it came has a turn of its own.
      const timely = expired.filter(({ deadline, due }) => deadline === due)
      for (const [place, one] of timely.entries()) {
        const before = timely[place - 1]
        if (before?.at === one.at) expect(before.deadline).toBeLessThanOrEqual(one.deadline)
      }
    }),
    { numRuns: 100 },
  )
})

test('a deadline too near to be told from now expires at once instead of keeping the wheel awake', async () => {
  const clock = new VirtualClock()
  const wheel = new DeadlineWheel(clock)
  let expired = 0
  wheel.add(new Entry(Number.MIN_VALUE, () => void expired++))
  await clock.advance(0)
  await clock.advance(0)
  expect([expired, wheel.size, clock.pending]).toEqual([1, 0, 0])
})

test('an entry that another one removes while it expires does not expire', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(40), { minLength: 2, maxLength: 10 }), fc.nat(), async (deadlines, which) => {
      const clock = new VirtualClock()
      const wheel = new DeadlineWheel(clock)
      const expired: number[] = []
      const entries: Entry[] = deadlines.map(
        (deadline, at) =>
          new Entry(deadline, () => {
            expired.push(at)
            for (const [other, entry] of entries.entries()) if (other % 2 !== which % 2) wheel.remove(entry)
          }),
      )
      for (const entry of entries) wheel.add(entry)
      await clock.advance(100)
      const keepers = entries.map((_, at) => at).filter((at) => at % 2 === which % 2)
      expect(expired).toEqual(expect.arrayContaining(keepers))
      expect(new Set(expired).size).toBe(expired.length)
      // Once a keeper has expired, none of those that it removed does.
      const first = expired.findIndex((at) => at % 2 === which % 2)
      expect(expired.slice(first).filter((at) => at % 2 !== which % 2)).toEqual([])
      expect(wheel.size).toBe(0)
    }),
    { numRuns: 100 },
  )
})
