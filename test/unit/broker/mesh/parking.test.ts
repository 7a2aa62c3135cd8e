import { describe, expect, test } from 'vitest'
import { Parking, type ParkingOptions } from '../../../../src/broker/mesh/parking.ts'
import { Counters } from '../../../../src/core/counters.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'

const open = (options?: ParkingOptions) => {
  const clock = new VirtualClock()
  const counters = new Counters()
  const parking = new Parking({ clock, counters }, options)
  const resumed: string[] = []
  const expired: string[] = []
  const asked: string[] = []
  const park = (name: string, missing: string[], { forwarder = 'f', signer = 's', size = 10 } = {}): boolean =>
    parking.park({
      bytes: new Uint8Array(size),
      forwarder,
      signer,
      missing: new Set(missing),
      resume: () => resumed.push(name),
      expired: () => expired.push(name),
      again: () => asked.push(name),
    })
  return { clock, counters, parking, resumed, expired, asked, park }
}

describe('parking of frames that lack credentials', () => {
  test('resumes, in the order of arrival, what lacks nothing more', () => {
    const { parking, resumed, park } = open()
    park('one', ['a', 'b'])
    park('two', ['a'])
    park('three', ['a'])
    parking.arrived('x')
    expect(resumed).toEqual([])
    parking.arrived('a')
    expect(resumed).toEqual(['two', 'three'])
    parking.arrived('b')
    expect(resumed).toEqual(['two', 'three', 'one'])
    expect(parking.size).toBe(0)
  })

  test('has others asked after a quarter of the time, once', async () => {
    const { clock, asked, park } = open()
    park('one', ['a'])
    await clock.advance(499)
    expect(asked).toEqual([])
    await clock.advance(1_400)
    expect(asked).toEqual(['one'])
  })

  test('knows who waits for what, until it comes or the wait is over', async () => {
    const { clock, parking, park } = open()
    park('one', ['a', 'b'], { signer: 's' })
    park('two', ['a'], { signer: 't' })
    expect([...parking.signersOf('a')]).toEqual(['s', 't'])
    expect(parking.signersOf('x').size).toBe(0)
    parking.arrived('a')
    expect(parking.signersOf('a').size).toBe(0)
    expect([...parking.signersOf('b')]).toEqual(['s'])
    await clock.advance(2_000)
    expect(parking.signersOf('b').size).toBe(0)
  })

  test('gives up at once what waits for a credential that is worth nothing as its signer’s, and nobody else’s', () => {
    const { counters, parking, expired, resumed, park } = open()
    park('forged', ['a', 'b'], { signer: 'villain' })
    park('true', ['a'], { signer: 'friend' })
    parking.worthless('a', 'villain')
    parking.worthless('x', 'villain')
    expect(expired).toEqual(['forged'])
    expect(counters.snapshot()).toMatchObject({ 'broker.parking-worthless': 1 })
    expect(counters.get('broker.parking-expired')).toBe(0)
    parking.arrived('a')
    expect(resumed).toEqual(['true'])
  })

  test('drops and counts a frame whose credentials did not come within 2 s', async () => {
    const { clock, counters, parking, resumed, expired, park } = open()
    park('one', ['a'])
    await clock.advance(1_999)
    expect([parking.size, expired]).toEqual([1, []])
    await clock.advance(1)
    expect(parking.size).toBe(0)
    expect(counters.get('broker.parking-expired')).toBe(1)
    expect(expired).toEqual(['one'])
    parking.arrived('a')
    expect(resumed).toEqual([])
  })

  test('holds 64 frames of a forwarder, whoever signed them', () => {
    const { counters, park } = open()
    for (let at = 0; at < 64; at += 1) expect(park('x', ['a'], { signer: `s${at}` })).toBe(true)
    expect(park('x', ['a'], { signer: 'another' })).toBe(false)
    expect(park('x', ['a'], { signer: 'another', forwarder: 'another' })).toBe(true)
    expect(counters.get('broker.parking-full')).toBe(1)
  })

  test('holds 64 frames of a signer, whoever forwarded them', () => {
    const { park } = open()
    for (let at = 0; at < 64; at += 1) park('x', ['a'], { forwarder: `f${at}` })
    expect(park('x', ['a'], { forwarder: 'another' })).toBe(false)
  })

  test('holds 1 MiB a forwarder, and gives the room back', () => {
    const { parking, park } = open()
    expect(park('x', ['a'], { size: 1_048_577 })).toBe(false)
    expect(park('x', ['a'], { size: 1_000_000 })).toBe(true)
    expect(park('x', ['b'], { size: 60_000 })).toBe(false)
    parking.arrived('a')
    expect(park('x', ['b'], { size: 60_000 })).toBe(true)
  })

  test('is empty after clear, and no timer is left', () => {
    const { clock, parking, park } = open()
    park('x', ['a'])
    parking.clear()
    expect(parking.size).toBe(0)
    expect(clock.pending).toBe(0)
  })
})
