import { bytes } from './bytes.ts'

/** Texts that have a shorter binary form: UUIDs, trace contexts, times. Whatever does not fit exactly stays text. */
export const UUID_BYTES = 16
export const TRACE_BYTES = 26

const NO_DIGIT = 0x80
/** Value of a lower-case hex digit by character code; upper case would not come back as it was. */
const DIGIT: Uint8Array = new Uint8Array(128).fill(NO_DIGIT)
for (let value = 0; value < 16; value++) DIGIT[value.toString(16).charCodeAt(0)] = value

/** Writes `count` bytes of hex from `text`; a result with NO_DIGIT set says that it was none. */
function hexInto(target: Uint8Array, at: number, text: string, from: number, count: number): number {
  let bad = 0
  for (let i = 0; i < count; i++) {
    const a = text.charCodeAt(from + 2 * i)
    const b = text.charCodeAt(from + 2 * i + 1)
    const high = DIGIT[a & 127]!
    const low = DIGIT[b & 127]!
    bad |= high | low | ((a | b) & ~127)
    target[at + i] = (high << 4) | low
  }
  return bad & ~127 ? NO_DIGIT : 0
}

const isDash = (text: string, at: number): boolean => text.charCodeAt(at) === 45

/** Writes a canonical UUID's 16 bytes; false (and rubbish in their place) for any other text. */
export function writeUuid(target: Uint8Array, at: number, text: string): boolean {
  if (text.length !== 36 || !isDash(text, 8) || !isDash(text, 13) || !isDash(text, 18) || !isDash(text, 23))
    return false
  const bad =
    hexInto(target, at, text, 0, 4) |
    hexInto(target, at + 4, text, 9, 2) |
    hexInto(target, at + 6, text, 14, 2) |
    hexInto(target, at + 8, text, 19, 2) |
    hexInto(target, at + 10, text, 24, 6)
  return bad === 0
}

/** Whether the bytes are a UUID of a version and variant that RFC 9562 names. */
export function isUuidAt(source: Uint8Array, at: number): boolean {
  const version = source[at + 6]! >> 4
  return version >= 1 && version <= 8 && source[at + 8]! >> 6 === 0b10
}

export function readUuid(source: Uint8Array, at: number): string {
  const hex = bytes.readHex(source, at, at + UUID_BYTES)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Writes the 26 bytes of a version-00-shaped traceparent `vv-trace(32)-span(16)-ff`; false for any other text. */
export function writeTrace(target: Uint8Array, at: number, text: string): boolean {
  if (text.length !== 55 || !isDash(text, 2) || !isDash(text, 35) || !isDash(text, 52)) return false
  const bad =
    hexInto(target, at, text, 0, 1) |
    hexInto(target, at + 1, text, 3, 16) |
    hexInto(target, at + 17, text, 36, 8) |
    hexInto(target, at + 25, text, 53, 1)
  return bad === 0
}

/** Whether the bytes are a trace context of the version that is spoken here: neither trace nor span is all zeros. */
export function isTraceAt(source: Uint8Array, at: number): boolean {
  return source[at] === 0 && hasBit(source, at + 1, at + 17) && hasBit(source, at + 17, at + 25)
}

function hasBit(source: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (source[at] !== 0) return true
  return false
}

export function readTrace(source: Uint8Array, at: number): string {
  const hex = bytes.readHex(source, at, at + TRACE_BYTES)
  return `${hex.slice(0, 2)}-${hex.slice(2, 34)}-${hex.slice(34, 50)}-${hex.slice(50)}`
}

/** The last millisecond of the year 9999: later times have no four-digit year. */
export const LATEST_TIME = 253_402_300_799_999
const DAY = 86_400_000
const SHAPE = '0000-00-00T00:00:00.000Z'

function digits(text: string, from: number, count: number): number {
  let value = 0
  for (let i = 0; i < count; i++) value = value * 10 + text.charCodeAt(from + i) - 48
  return value
}

function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/**
 * Milliseconds of a time in exactly the form that `formatTime` gives, or -1 for any other text, valid or not:
 * so formatting gives back the same text. By hand, because Date.parse costs ten times as much and accepts too much.
 * @see Howard Hinnant, chrono-compatible low-level date algorithms
 */
export function parseTime(text: string): number {
  // Events of one millisecond share their texts: the time is one, what they expire at another.
  if (text === parsedText) return parsed
  if (text === otherText) return other
  otherText = parsedText
  other = parsed
  parsedText = text
  parsed = parseAnew(text)
  return parsed
}

let parsedText = ''
let parsed = -1
let otherText = ''
let other = -1

function parseAnew(text: string): number {
  if (text.length !== SHAPE.length) return -1
  for (let at = 0; at < SHAPE.length; at++) {
    const code = text.charCodeAt(at)
    const wanted = SHAPE.charCodeAt(at)
    if (wanted === 48 ? code < 48 || code > 57 : code !== wanted) return -1
  }
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 2)
  const day = digits(text, 8, 2)
  const hour = digits(text, 11, 2)
  const minute = digits(text, 14, 2)
  const second = digits(text, 17, 2)
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return -1
  if (hour > 23 || minute > 59 || second > 59) return -1
  return daysSince1970(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + digits(text, 20, 3)
}

let lastTime = -1
let lastText = ''

/** RFC 3339 in UTC with milliseconds. Events of one millisecond share the text: `toISOString` costs more than decoding. */
export function formatTime(time: number): string {
  if (time !== lastTime) {
    lastText = new Date(time).toISOString()
    lastTime = time
  }
  return lastText
}

/** Digits of the `sequence` attribute: as many as the largest safe integer has, so that texts sort like numbers. */
const SEQUENCE_DIGITS = 16

/** The `sequence` attribute of a number. */
export function formatSequence(sequence: number): string {
  return String(sequence).padStart(SEQUENCE_DIGITS, '0')
}
