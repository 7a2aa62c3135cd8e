import { describe, expect, test } from 'vitest'
import { plainBytes } from '../../../../src/core/plain-bytes.ts'
import { bytes, equalBytes, strictUtf8, webBytes } from '../../../../src/events/frame/bytes.ts'
import { readUint32, readUint48, writeUint32, writeUint48 } from '../../../../src/events/frame/fixed-width.ts'
import {
  formatSequence,
  formatTime,
  parseTime,
  readTrace,
  readUuid,
  writeTrace,
  writeUuid,
} from '../../../../src/events/frame/text-forms.ts'

describe('texts with a binary form', () => {
  const target = new Uint8Array(64)

  test('a lower-case UUID takes 16 bytes and comes back', () => {
    const uuid = '0190a3b2-5c6d-7e8f-8a9b-0c1d2e3f4a5b'
    expect(writeUuid(target, 3, uuid)).toBe(true)
    expect(readUuid(target, 3)).toBe(uuid)
  })

  test.each([
    '',
    '0190A3B2-5c6d-7e8f-8a9b-0c1d2e3f4a5b',
    '0190a3b2-5c6d-7e8f-8a9b-0c1d2e3f4a5',
    '0190a3b2x5c6d-7e8f-8a9b-0c1d2e3f4a5b',
    '0190a3b2-5c6dx7e8f-8a9b-0c1d2e3f4a5b',
    '0190a3b2-5c6d-7e8fx8a9b-0c1d2e3f4a5b',
    '0190a3b2-5c6d-7e8f-8a9bx0c1d2e3f4a5b',
    '0190a3b2-5c6d-7e8f-8a9b-0c1d2e3f4a5g',
    'ı190a3b2-5c6d-7e8f-8a9b-0c1d2e3f4a5b',
  ])('other text stays text: %j', (text) => {
    expect(writeUuid(target, 0, text)).toBe(false)
  })

  test('a trace context takes 26 bytes and comes back', () => {
    const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    expect(writeTrace(target, 5, trace)).toBe(true)
    expect(readTrace(target, 5)).toBe(trace)
    for (const at of [0, 2, 20, 35, 40, 52, 54])
      expect(writeTrace(target, 0, `${trace.slice(0, at)}X${trace.slice(at + 1)}`), `position ${at}`).toBe(false)
    expect(writeTrace(target, 0, `${trace}0`)).toBe(false)
  })

  test('times are parsed as Date does, on every day of leap and other years', () => {
    for (const year of [1970, 1999, 2000, 2024, 2026, 2100, 9999])
      for (let day = 0; day < 366; day++) {
        const time = Date.UTC(year, 0, 1 + day, 23, 59, 58, 987)
        if (new Date(time).getUTCFullYear() === year) expect(parseTime(new Date(time).toISOString())).toBe(time)
      }
    expect(formatTime(0)).toBe('1970-01-01T00:00:00.000Z')
    expect(formatTime(0)).toBe('1970-01-01T00:00:00.000Z')
    expect(formatTime(1)).toBe('1970-01-01T00:00:00.001Z')
  })

  test.each([
    '',
    '1969-12-31T23:59:59.999Z',
    '2026-00-01T00:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '2026-01-00T00:00:00.000Z',
    '2026-02-29T00:00:00.000Z',
    '2100-02-29T00:00:00.000Z',
    '2026-04-31T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-01-01T00:60:00.000Z',
    '2026-01-01T00:00:60.000Z',
    '2026-01-01t00:00:00.000Z',
    '2026-01-01T00:00:00.00:Z',
    '2026-01-01T00:00:00.0/0Z',
    '2026-01-01T00:00:00.000z',
  ])('a time that would not come back as it was stays text: %j', (text) => {
    expect(parseTime(text)).toBe(-1)
  })

  test('sequences sort as text like numbers', () => {
    expect(formatSequence(42)).toBe('0000000000000042')
    expect(formatSequence(Number.MAX_SAFE_INTEGER)).toHaveLength(16)
  })
})

describe('bytes', () => {
  test('the browser functions do what the Node functions do', () => {
    for (const text of ['', 'plain', 'Zürich ☃ 🦀', 'a'.repeat(1000)]) {
      const outcomes = [bytes, webBytes].map((functions) => {
        const target = functions.allocate(4096)
        const length = functions.writeUtf8(target, text, 7)
        expect(functions.utf8Length(text)).toBe(length)
        expect(functions.readUtf8(target, 7, 7 + length)).toBe(text)
        const latin = functions.readLatin1(target, 7, 7 + length)
        return [length, latin, functions.readHex(target, 7, 7 + length)]
      })
      expect(outcomes[0]).toEqual(outcomes[1])
    }
  })

  test('malformed UTF-8 is told from a genuine replacement character', () => {
    expect(strictUtf8(new TextEncoder().encode('a\uFFFDb'), 0, 5)).toBe('a\uFFFDb')
    expect(strictUtf8(Uint8Array.of(0x61, 0xff), 0, 2)).toBeUndefined()
    expect(strictUtf8(Uint8Array.of(0xed, 0xa0, 0x80), 0, 3)).toBeUndefined()
  })

  test('a Buffer is seen as plain bytes over the same memory', () => {
    const buffer = Buffer.from('abc')
    const plain = plainBytes(buffer)
    expect(plain.constructor).toBe(Uint8Array)
    expect(plain.buffer).toBe(buffer.buffer)
    expect(plainBytes(plain)).toBe(plain)
  })

  test('equal bytes are equal in length and content', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false)
  })

  test('numbers of 32 and 48 bits are little endian and come back', () => {
    const target = new Uint8Array(6)
    for (const value of [0, 1, 0xffff_ffff, 0x1_0000_0000, 0xffff_ffff_ffff]) {
      writeUint48(target, 0, value)
      expect(readUint48(target, 0)).toBe(value)
    }
    writeUint32(target, 0, 0xfedc_ba98)
    expect([...target.subarray(0, 4)]).toEqual([0x98, 0xba, 0xdc, 0xfe])
    expect(readUint32(target, 0)).toBe(0xfedc_ba98)
    for (const value of [-1, 0.5, 0x1_0000_0000_0000, Number.NaN])
      expect(() => writeUint48(target, 0, value)).toThrow(RangeError)
  })
})

test('times that take turns keep their own values, and what is no time is none the second time either', () => {
  const [one, two, three] = [0, 1, 86_400_000].map((ms) => new Date(ms).toISOString())
  for (const text of [one, two, one, two, three, one, three, two]) expect(parseTime(text!)).toBe(Date.parse(text!))
  for (const text of ['never', one!, 'never', 'never']) expect(parseTime(text)).toBe(text === one ? 0 : -1)
})
