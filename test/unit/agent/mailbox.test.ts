import { expect, test } from 'vitest'
import { Mailbox } from '../../../src/agent/mailbox.ts'

test('AG-6 hands out the highest priority first, in order within a priority', () => {
  const mailbox = new Mailbox<string>(100)
  for (const [work, priority] of [
    ['a', 4],
    ['b', 9],
    ['c', 4],
    ['d', 0],
    ['e', 9],
  ] as const) {
    expect(mailbox.push(work, priority)).toBeUndefined()
  }
  expect(mailbox.size).toBe(5)
  expect([1, 2, 3, 4, 5, 6].map(() => mailbox.shift())).toEqual(['b', 'e', 'a', 'c', 'd', undefined])
  expect(mailbox.size).toBe(0)
})

test('AG-6 a full mailbox sheds the youngest of the lowest priority, or the newcomer itself', () => {
  const mailbox = new Mailbox<string>(3)
  mailbox.push('low 1', 1)
  mailbox.push('low 2', 1)
  mailbox.push('mid', 4)
  expect(mailbox.push('high', 8)).toBe('low 2')
  expect(mailbox.push('low 3', 1)).toBe('low 3')
  expect(mailbox.push('mid 2', 4)).toBe('low 1')
  expect(mailbox.push('mid 3', 4)).toBe('mid 3')
  expect(mailbox.size).toBe(3)
  expect([1, 2, 3].map(() => mailbox.shift())).toEqual(['high', 'mid', 'mid 2'])
})

test('priorities beyond 0 to 9 count as the nearest', () => {
  const mailbox = new Mailbox<string>(10)
  mailbox.push('under', -3)
  mailbox.push('over', 12)
  mailbox.push('nine', 9)
  expect([1, 2, 3].map(() => mailbox.shift())).toEqual(['over', 'nine', 'under'])
})

test('a mailbox that is never quite empty does not grow', () => {
  const mailbox = new Mailbox<number>(10)
  mailbox.push(0, 4)
  for (let next = 1; next < 10_000; next++) {
    mailbox.push(next, 4)
    expect(mailbox.shift()).toBe(next - 1)
  }
  expect(mailbox.size).toBe(1)
})

test('a lane whose last work was shed after others were taken is empty', () => {
  const mailbox = new Mailbox<string>(2)
  mailbox.push('low 1', 1)
  mailbox.push('low 2', 1)
  expect(mailbox.shift()).toBe('low 1')
  mailbox.push('high 1', 8)
  expect(mailbox.push('high 2', 8)).toBe('low 2')
  expect(mailbox.push('high 3', 9)).toBe('high 2')
  expect([1, 2, 3].map(() => mailbox.shift())).toEqual(['high 3', 'high 1', undefined])
  expect(mailbox.size).toBe(0)
  mailbox.push('low 3', 1)
  expect([mailbox.shift(), mailbox.shift()]).toEqual(['low 3', undefined])
})
