import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { LivesOfSelf } from '../../../src/membership/duplicate-identity.ts'
import { OwnEntry } from '../../../src/membership/own-entry.ts'
import { crypto, idOf, wordCredentials } from './fake-mesh.ts'

const HEX = (digit: string): string => digit.repeat(32)

/** The entry of a context whose life began at 1,000 ms, and what it makes of other lives of its key. */
function started(incarnation = HEX('5')) {
  const clock = new VirtualClock({ start: 1_000 })
  const own = new OwnEntry({ clock, crypto }, wordCredentials(1), idOf(1), incarnation)
  own.begin(0)
  return { own, lives: new LivesOfSelf(own, incarnation) }
}

describe('lives of one key', () => {
  const head = (changes: object) => ({
    context: idOf(1),
    incarnation: HEX('4'),
    version: 1,
    since: 1,
    flags: 0,
    rival: '',
    body: HEX('0'),
    membership: HEX('0'),
    ...changes,
  })

  test('own entries that come back are ignored', () => {
    const { own, lives } = started()
    expect(lives.seen(own.issue({}).head)).toBe('ignore')
  })

  test('remains of an earlier life are exceeded if they are higher, ignored if not', () => {
    const { own, lives } = started()
    expect(lives.seen(head({ version: 900, since: 500 }))).toBe('ignore')
    expect(lives.seen(head({ version: 70_000, since: 500 }))).toBe('answer')
    expect(own.issue({}).head.version).toBe(70_001)
    expect(own.issue({}).head.rival).toBe('')
  })

  test('a later life is answered by name', () => {
    const { own, lives } = started()
    expect(lives.seen(head({ version: 2_000, since: 2_000 }))).toBe('answer')
    expect(own.issue({}).head).toMatchObject({ rival: HEX('4'), version: 2_001 })
  })

  test('an earlier life that names this one is alive: this one is the duplicate', () => {
    const { lives } = started()
    expect(lives.seen(head({ version: 2_000, since: 500, rival: HEX('5') }))).toBe('duplicate')
    expect(lives.seen(head({ version: 2_000, since: 500, rival: HEX('6') }))).not.toBe('duplicate')
  })

  test('of two that began in one millisecond exactly one is the later', () => {
    const low = started(HEX('4'))
    const high = started(HEX('5'))
    expect(low.lives.seen(high.own.issue({}).head)).toBe('answer')
    expect(high.lives.seen(low.own.issue({}).head)).toBe('duplicate')
  })

  test('what a peer remembers of another life is exceeded', () => {
    const { own, lives } = started()
    expect(lives.remembered({ incarnation: HEX('5'), version: 99_000, heads: {} }, 99_000)).toBe(false)
    expect(lives.remembered({ incarnation: HEX('4'), version: 5, heads: {} }, 99_000)).toBe(false)
    expect(lives.remembered({ incarnation: HEX('4'), version: 99_000, heads: {} }, 68_999)).toBe(false)
    expect(lives.remembered({ incarnation: HEX('4'), version: 99_000, heads: {} }, 69_000)).toBe(true)
    expect(own.issue({}).head.version).toBe(99_001)
  })
})

test('peers that remember ever more of an earlier life are heeded no longer', () => {
  const { own, lives } = started()
  const claims = Array.from({ length: 100 }, (_, n) => ({ incarnation: HEX('4'), version: 2_000 + n, heads: {} }))
  expect(claims.filter((claim) => lives.remembered(claim, 5_000))).toHaveLength(64)
  expect(own.issue({}).head.version).toBe(2_064)
})
