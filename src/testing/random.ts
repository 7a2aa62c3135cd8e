import assert from 'node:assert/strict'
import type { Random } from '../core/random.ts'

export interface RandomSuite {
  describe(name: string, body: () => void): void
  test(name: string, body: () => Promise<void>): void
  open(): Promise<AsyncDisposable & { readonly random: Random }>
}

const DRAWS = 20_000

/** What every Random promises. The statistical bounds are ten standard deviations wide. */
export function randomConformance(name: string, { describe, test, open }: RandomSuite): void {
  describe(`Random: ${name}`, () => {
    test('gives as many bytes as asked, none included', async () => {
      await using opened = await open()
      for (const length of [0, 1, 2, 3, 4, 5, 16, 32, 1_001]) assert.equal(opened.random.bytes(length).length, length)
    })

    test('gives bytes that the receiver may keep and change', async () => {
      await using opened = await open()
      const first = opened.random.bytes(32)
      const copy = first.slice()
      opened.random.bytes(32).fill(0)
      assert.deepEqual(first, copy)
    })

    test('gives every byte about equally often', async () => {
      await using opened = await open()
      const counts = new Uint32Array(256)
      for (const byte of opened.random.bytes(256 * 400)) counts[byte]! += 1
      for (const [byte, count] of counts.entries()) assert.ok(count > 200 && count < 600, `${byte} came ${count} times`)
    })

    test('gives floats in [0, 1) that fill it evenly', async () => {
      await using opened = await open()
      const tenths = new Uint32Array(10)
      for (let draw = 0; draw < DRAWS; draw += 1) {
        const value = opened.random.float()
        assert.ok(value >= 0 && value < 1)
        tenths[Math.floor(value * 10)]! += 1
      }
      for (const count of tenths) assert.ok(Math.abs(count - DRAWS / 10) < 430, `a tenth has ${count}`)
    })

    test('gives distinct UUIDs of version 4', async () => {
      await using opened = await open()
      const ids = new Set<string>()
      for (let draw = 0; draw < 1_000; draw += 1) {
        const id = opened.random.uuid()
        assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        ids.add(id)
      }
      assert.equal(ids.size, 1_000)
    })
  })
}
