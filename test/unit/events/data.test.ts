import { describe, expect, test } from 'vitest'
import { checkJsonData, checkSize, isJson, jsonOf, MAX_DATA_DEPTH, MAX_EVENT_BYTES } from '../../../src/events/data.ts'
import { faultOf } from './fault-of.ts'

const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { inner: value }
  return value
}

/** Small in memory, 2 to the power of `depth` objects when written. */
const bomb = (depth: number): unknown => {
  let value: unknown = []
  for (let level = 0; level < depth; level += 1) value = [value, value]
  return value
}

class Reading {
  readonly load = 1
}

describe('the data of an event', () => {
  test.each([
    [null],
    [true],
    [0],
    [-1.5e300],
    [''],
    ['grüße 🌍'],
    [[]],
    [{}],
    [{ list: [1, 'a', null, { deep: [false] }], absent: undefined }],
    [Object.assign(Object.create(null), { a: 1 })],
    [nested(MAX_DATA_DEPTH)],
  ])('may be any JSON value (%#)', (data) => {
    expect(() => checkJsonData(data)).not.toThrow()
    expect(JSON.parse(jsonOf(data))).toEqual(JSON.parse(JSON.stringify(data)))
  })

  test('may hold the same object twice, which is no cycle', () => {
    const shared = { a: 1 }
    expect(() => checkJsonData({ one: shared, two: shared, three: [shared, shared] })).not.toThrow()
  })

  test.each<[data: unknown, path: string]>([
    [undefined, ''],
    [Number.NaN, ''],
    [{ load: Number.POSITIVE_INFINITY }, 'load'],
    [{ readings: [{ load: 1 }, { load: 10n }] }, 'readings[1].load'],
    [[undefined], '[0]'],
    [{ run: () => 1 }, 'run'],
    [{ mark: Symbol('mark') }, 'mark'],
    [{ at: { when: new Date(0) } }, 'at.when'],
    [[new Map()], '[0]'],
    [new Set(), ''],
    [{ bytes: new Uint8Array(2) }, 'bytes'],
    [{ reading: new Reading() }, 'reading'],
    [{ name: 'a\ud800' }, 'name'],
    [{ '\udc00': 1 }, ''],
    [nested(MAX_DATA_DEPTH + 1), ''],
  ])('EV-1 is refused where it is no JSON, with the path (%#)', (data, path) => {
    expect(faultOf(() => checkJsonData(data))).toMatchObject({
      code: 'ERR_EVENT_INVALID',
      details: { attribute: 'data', path },
    })
  })

  test('EV-1 is refused when it is cyclic, with the path', () => {
    const data: Record<string, unknown> = {}
    data['parts'] = [{ whole: data }]
    const error = faultOf(() => checkJsonData(data))
    expect(error).toMatchObject({ code: 'ERR_EVENT_INVALID', details: { path: 'parts[0].whole' } })
    expect(error.message).toContain('cyclic')
  })

  test('is measured in bytes of UTF-8', () => {
    const room = MAX_EVENT_BYTES - 2
    expect(() => checkJsonData('a'.repeat(room))).not.toThrow()
    expect(() => jsonOf('a'.repeat(room))).not.toThrow()
    for (const text of ['a'.repeat(room + 1), 'ü'.repeat(room / 2 + 1), '\n'.repeat(room / 2 + 1)]) {
      for (const check of [checkJsonData, jsonOf]) {
        expect(faultOf(() => check(text))).toMatchObject({
          code: 'ERR_EVENT_TOO_LARGE',
          details: { limit: MAX_EVENT_BYTES },
        })
      }
    }
  })

  test('that is small in memory and endless when written is refused before it is written', () => {
    expect(faultOf(() => checkJsonData(bomb(100))).code).toBe('ERR_EVENT_TOO_LARGE')
  })

  test('of many long numbers is measured as they are written', () => {
    const long = 0.1234567890123456
    expect(() => checkJsonData(new Array(1_000).fill(long))).not.toThrow()
    expect(faultOf(() => checkJsonData(new Array(14_000).fill(long))).code).toBe('ERR_EVENT_TOO_LARGE')
  })

  test('names a number without a JSON form as it is, and other things by their type', () => {
    expect(faultOf(() => checkJsonData(Number.NaN)).message).toContain('is NaN')
    expect(faultOf(() => checkJsonData(1n)).message).toContain('of the type bigint')
  })

  test('at the limit is taken, one byte more is refused with the way out', () => {
    expect(() => checkSize(MAX_EVENT_BYTES)).not.toThrow()
    expect(faultOf(() => checkSize(11, 10))).toMatchObject({ details: { size: 11, limit: 10 } })
    expect(faultOf(() => checkSize(11, 10)).message).toMatch(/split it|fetched/)
  })
})

describe('writing data as JSON', () => {
  test('EV-1 refuses what has no JSON form', () => {
    const cyclic: unknown[] = []
    cyclic.push(cyclic)
    for (const data of [cyclic, 1n, undefined, () => 1, Symbol('a')]) {
      expect(faultOf(() => jsonOf(data))).toMatchObject({ code: 'ERR_EVENT_INVALID', details: { attribute: 'data' } })
    }
  })

  test('keeps the cause of what JSON.stringify threw', () => {
    expect(faultOf(() => jsonOf(1n)).cause).toBeInstanceOf(TypeError)
  })

  test('tells half a surrogate pair from text that only looks like its escape', () => {
    expect(faultOf(() => jsonOf('a\ud800')).message).toContain('Unicode')
    expect(faultOf(() => jsonOf(['\\', '\\\udfff'])).message).toContain('Unicode')
    expect(jsonOf('\\ud800')).toBe('"\\\\ud800"')
    expect(jsonOf('🌍')).toBe('"🌍"')
  })
})

describe('a media type', () => {
  test.each([
    ['application/json', true],
    ['application/json; charset=utf-8', true],
    ['application/geo+json', true],
    ['application/vnd.acme.thing+json;v=1', true],
    ['application/jsonl', false],
    ['text/json+x', false],
    ['application/octet-stream', false],
  ])('%s: JSON is %s', (mediaType, expected) => {
    expect(isJson(mediaType)).toBe(expected)
  })
})
