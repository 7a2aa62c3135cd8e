import { describe, expect, test } from 'vitest'
import { Faults } from '../../../../src/network/simulated/faults.ts'

describe('faults', () => {
  test('a partition blocks between groups, both ways; who is in none is in one group more', () => {
    const faults = new Faults()
    expect(faults.isBlocked('a', 'c')).toBe(false)
    faults.partition([['a', 'b'], ['c']])
    expect(faults.isBlocked('a', 'b')).toBe(false)
    expect(faults.isBlocked('a', 'c')).toBe(true)
    expect(faults.isBlocked('c', 'b')).toBe(true)
    expect(faults.isBlocked('x', 'y')).toBe(false)
    expect(faults.isBlocked('x', 'a')).toBe(true)
    faults.partition([['a', 'c']])
    expect(faults.isBlocked('a', 'c')).toBe(false)
    expect(faults.isBlocked('a', 'b')).toBe(true)
    faults.heal()
    expect(faults.isBlocked('a', 'b')).toBe(false)
  })

  test('a black hole blocks one direction', () => {
    const faults = new Faults()
    faults.blackhole('a', 'b')
    faults.blackhole('a', 'c')
    expect(faults.isBlocked('a', 'b')).toBe(true)
    expect(faults.isBlocked('a', 'c')).toBe(true)
    expect(faults.isBlocked('b', 'a')).toBe(false)
    faults.heal()
    expect(faults.isBlocked('a', 'b')).toBe(false)
  })
})
