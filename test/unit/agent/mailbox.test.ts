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

interface Kept {
  readonly name: string
  readonly frame?: { readonly bytes: Uint8Array } | undefined
}
const MEBIBYTE = 1_048_576
const frames = (count: number, size = MEBIBYTE) =>
  Array.from({ length: count }, () => ({ bytes: new Uint8Array(new ArrayBuffer(size), 0, 1) }))

test('what waits counts the memory that it keeps, a frame once for a row of its events', () => {
  const mailbox = new Mailbox<Kept>(100, ({ frame }) => frame)
  const [a, b] = frames(2, 1_000)
  const bytes: number[] = []
  for (const frame of [a, a, b, b, undefined, b, a]) {
    mailbox.push({ name: 'x', frame }, 4)
    bytes.push(mailbox.bytes)
  }
  expect(bytes).toEqual([1_000, 1_000, 2_000, 2_000, 2_000, 3_000, 4_000])
  mailbox.push({ name: 'urgent', frame: a }, 9)
  expect(mailbox.bytes).toBe(5_000)
  const left: number[] = []
  while (mailbox.shift() !== undefined) left.push(mailbox.bytes)
  expect(left).toEqual([4_000, 4_000, 3_000, 3_000, 2_000, 2_000, 1_000, 0])
})

test('it is full of bytes as well, and then sheds the youngest of the lowest priority until it is not', () => {
  const mailbox = new Mailbox<Kept>(1_000, ({ frame }) => frame)
  for (const [at, frame] of frames(64).entries()) expect(mailbox.push({ name: `low ${at}`, frame }, 1)).toBeUndefined()
  const [one, large] = [frames(1)[0], frames(1, 2 * MEBIBYTE)[0]]
  expect(mailbox.push({ name: 'low', frame: one }, 1)?.name).toBe('low')
  expect(mailbox.push({ name: 'call' }, 1)).toBeUndefined()
  expect(mailbox.push({ name: 'high', frame: large }, 8)?.name).toBe('call')
  expect(mailbox.overflow()?.name).toBe('low 63')
  expect(mailbox.overflow()?.name).toBe('low 62')
  expect(mailbox.overflow()).toBeUndefined()
  expect([mailbox.size, mailbox.bytes]).toEqual([63, 64 * MEBIBYTE])
  // What is alone may have any size: else it would never be handled.
  const alone = new Mailbox<Kept>(1_000, ({ frame }) => frame)
  expect(alone.push({ name: 'huge', frame: frames(1, 65 * MEBIBYTE)[0] }, 4)).toBeUndefined()
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
