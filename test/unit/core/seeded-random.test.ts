import { describe, expect, test } from 'vitest'
import { drawIncarnation } from '../../../src/core/incarnation.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'

describe('seeded randomness', () => {
  const draw = (random: SeededRandom): unknown[] => [random.float(), random.uuid(), [...random.bytes(5)]]

  test('repeats itself for a seed, a number or its text, and differs for others', () => {
    expect(draw(new SeededRandom(7))).toEqual(draw(new SeededRandom('7')))
    expect(draw(new SeededRandom(7))).not.toEqual(draw(new SeededRandom(8)))
  })

  test('is the same on every machine and in every version', () => {
    const random = new SeededRandom('amcp')
    expect({ bytes: Buffer.from(random.bytes(8)).toString('hex'), float: random.float(), uuid: random.uuid() }).toEqual(
      { bytes: 'a22664f8f8cebda8', float: 0.3908580154248078, uuid: 'b36701e0-fa70-4548-a56a-0b473d9adf76' },
    )
  })

  test('forks streams that do not depend on what was drawn, nor on each other', () => {
    const parent = new SeededRandom('seed')
    const before = draw(parent.fork('a'))
    draw(parent)
    expect(draw(parent.fork('a'))).toEqual(before)
    expect(draw(parent.fork('b'))).not.toEqual(before)
    expect(draw(parent.fork('a').fork('b'))).not.toEqual(draw(parent.fork('b').fork('a')))
  })

  test('draws incarnations of 16 bytes that differ', () => {
    const random = new SeededRandom(1)
    const first = drawIncarnation(random)
    expect(first).toHaveLength(16)
    expect(drawIncarnation(random)).not.toEqual(first)
  })
})
