import { expect, test } from 'vitest'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { EventIds } from '../../../src/events/event-ids.ts'

const uuid8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('EV-1 event ids are UUIDs, no two the same, in the order of their making', () => {
  const ids = new EventIds(new SeededRandom(7))
  const made = Array.from({ length: 10_000 }, () => ids.next())
  expect(new Set(made).size).toBe(made.length)
  expect(made.every((id) => uuid8.test(id))).toBe(true)
  expect([...made].sort()).toEqual(made)
  expect(made[5_000]!.endsWith('000000001388')).toBe(true)
})

test('two makers share no ids', () => {
  const random = new SeededRandom(7)
  expect(new EventIds(random).next()).not.toBe(new EventIds(random).next())
})
