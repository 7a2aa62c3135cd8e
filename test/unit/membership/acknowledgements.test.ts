import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { Acknowledgements } from '../../../src/membership/acknowledgements.ts'

describe('acknowledgements', () => {
  const setup = () => {
    const clock = new VirtualClock()
    let required = ['a', 'b']
    let asked = 0
    const acks = new Acknowledgements(clock, 2_000, () => {
      asked += 1
      return required
    })
    return { clock, acks, asked: () => asked, require: (list: string[]) => (required = list) }
  }

  test('a wait ends when all required members have acknowledged that version or a later one', async () => {
    const { clock, acks } = setup()
    const wait = acks.wait(5)
    acks.acknowledged('a', 5)
    acks.acknowledged('b', 4)
    expect(acks.missing(5)).toEqual(['b'])
    acks.acknowledged('b', 6)
    await clock.runFor(wait.then(() => undefined))
    expect(clock.monotonic()).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('an older acknowledgement that comes late takes nothing back', () => {
    const { acks } = setup()
    acks.acknowledged('a', 6)
    acks.acknowledged('a', 3)
    expect(acks.missing(6)).toEqual(['b'])
  })

  test('of many waits those end whose version is acknowledged, and the members are looked at once for all of them', async () => {
    const { clock, acks, asked } = setup()
    const ended: number[] = []
    for (let version = 1; version <= 1_000; version += 1) void acks.wait(version).then(() => ended.push(version))
    acks.acknowledged('a', 1_000)
    const before = asked()
    acks.acknowledged('b', 400)
    acks.acknowledged('b', 300)
    expect(asked() - before).toBe(1)
    await clock.advance(0)
    expect([ended.length, ended.at(-1), clock.pending]).toEqual([400, 400, 600])
  })

  test('a wait ends after the patience, and says no more than that', async () => {
    const { clock, acks } = setup()
    await clock.runFor(acks.wait(1))
    expect(clock.monotonic()).toBe(2_000)
    expect(acks.missing(1)).toEqual(['a', 'b'])
  })

  test('a member that leaves is waited for no longer', async () => {
    const { clock, acks, require } = setup()
    const wait = acks.wait(1)
    acks.acknowledged('a', 1)
    require(['a'])
    acks.settle()
    await clock.runFor(wait.then(() => undefined))
    expect(clock.monotonic()).toBe(0)
  })

  test('who is forgotten must acknowledge again; stop lets all go', async () => {
    const { clock, acks } = setup()
    acks.acknowledged('a', 1)
    acks.forget(['a'])
    expect(acks.missing(1)).toEqual(['a', 'b'])
    const wait = acks.wait(1)
    acks.stop()
    await clock.runFor(wait)
    expect(clock.monotonic()).toBe(0)
  })

  test('without required members nobody waits', async () => {
    const { acks, require } = setup()
    require([])
    await acks.wait(9)
    expect(acks.missing(9)).toEqual([])
  })
})
