import { describe, expect, test } from 'vitest'
import { RecordTable } from '../../../../src/network/simulated/records.ts'

describe('the table of records', () => {
  test('forgets records that were not renewed for ten minutes', () => {
    const table = new RecordTable()
    table.put('key', 'a', 0)
    table.put('key', 'b', 300_000)
    expect(table.providers('key', 599_999)).toEqual(['a', 'b'])
    expect(table.providers('key', 600_000)).toEqual(['b'])
    table.remove('key', 'b')
    table.remove('key', 'b')
    expect(table.providers('key', 0)).toEqual([])
  })
})
