import { AmcpError } from '../core/errors.ts'

/** Bytes of an event's data; more than that travels another way. */
export const MAX_EVENT_BYTES: number = 256 * 1024
/** Levels of objects and arrays within each other. */
export const MAX_DATA_DEPTH = 128
/** The longest JSON of one UTF-16 unit: `\u0007`. */
const LONGEST_UNIT = 6
/** The longest JSON of a number, and of true, false and null. */
const LONGEST_NUMBER = 25
const surrogateEscape = /(?<!\\)(?:\\\\)*\\ud[89a-f]/
const encoder = new TextEncoder()

/** What reading the data of an event that arrived throws when it is no JSON: the fault of who sent it. ERR_EVENT_INVALID. */
export class UnreadableData extends AmcpError {
  constructor(reason: string, cause?: unknown) {
    super('ERR_EVENT_INVALID', `data ${reason}`, { cause, details: { attribute: 'data' } })
  }
}

/** Whether the event's data can be read; it is decoded by this. */
export function isReadable(event: { readonly data: unknown }): boolean {
  try {
    void event.data
    return true
  } catch {
    return false
  }
}

/** Whether a media type is JSON's own or has its suffix. */
export const isJson = (mediaType: string): boolean =>
  mediaType === 'application/json' || /^application\/([\w.-]+\+)?json(\s*;|$)/.test(mediaType)

/** Refuses data above the limit and says how to send more. ERR_EVENT_TOO_LARGE. */
export function checkSize(size: number, limit: number = MAX_EVENT_BYTES): void {
  if (size <= limit) return
  throw new AmcpError(
    'ERR_EVENT_TOO_LARGE',
    `the event's data has ${size} bytes, ${limit} are allowed: split it into several events, or publish where it can be fetched`,
    { details: { size, limit } },
  )
}

const invalid = (path: string, reason: string, cause?: unknown): AmcpError =>
  new AmcpError('ERR_EVENT_INVALID', `the event's data${path === '' ? '' : ` at ${path}`} ${reason}`, {
    cause,
    details: { attribute: 'data', path, reason },
  })

/**
 * JSON of an event's data. ERR_EVENT_INVALID for a cycle, a BigInt, half a surrogate pair or what JSON has no form for;
 * ERR_EVENT_TOO_LARGE.
 */
export function jsonOf(data: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(data)
  } catch (cause) {
    throw invalid('', `cannot be JSON: ${String((cause as Error).message).split('\n')[0]}`, cause)
  }
  if (json === undefined) throw invalid('', `is of the type ${typeof data}, which JSON has no form for`)
  // JSON.stringify escapes half a pair instead of failing; other languages' readers refuse or replace it.
  if (json.includes('\\ud') && surrogateEscape.test(json)) throw invalid('', 'is not valid Unicode')
  // A unit of UTF-16 is at most three bytes, so most texts need no counting.
  if (json.length * 3 > MAX_EVENT_BYTES) checkSize(encoder.encode(json).length)
  return json
}

/**
 * Refuses data that would not arrive as it was sent: JSON values only, as plain objects and arrays. Local subscribers get
 * the data without encoding, so this looks without encoding too; only what may be too large is written out to be sure.
 * ERR_EVENT_INVALID with the path of the fault, ERR_EVENT_TOO_LARGE.
 */
export function checkJsonData(data: unknown): void {
  const size = { atLeast: 0, atMost: 0 }
  walk(data, size, [])
  if (size.atMost > MAX_EVENT_BYTES) checkSize(encoder.encode(JSON.stringify(data)).length)
}

interface Size {
  atLeast: number
  atMost: number
}

function walk(value: unknown, size: Size, within: object[]): void {
  if (typeof value === 'string') text(value, size, within)
  else if (typeof value === 'object' && value !== null) walkObject(value, size, within)
  else if (value === null || typeof value === 'boolean' || Number.isFinite(value)) {
    size.atLeast += 1
    size.atMost += LONGEST_NUMBER + 1
  } else {
    const what = typeof value === 'number' ? String(value) : `of the type ${typeof value}`
    throw invalid(pathTo(within, value), `is ${what}, which JSON has no form for`)
  }
}

function text(value: string, size: Size, within: object[]): void {
  if (!value.isWellFormed()) throw invalid(pathTo(within, value), 'is not valid Unicode')
  size.atLeast += value.length + 2
  size.atMost += value.length * LONGEST_UNIT + 3
}

function walkObject(value: object, size: Size, within: object[]): void {
  if (within.includes(value)) throw invalid(pathTo(within, value), 'is cyclic, which JSON has no form for')
  if (within.length >= MAX_DATA_DEPTH) throw invalid('', `is nested deeper than ${MAX_DATA_DEPTH} levels`)
  size.atLeast += 2
  size.atMost += 3
  // A few objects that name each other often can be a value without end, so the walk ends with the room for it.
  checkSize(size.atLeast)
  within.push(value)
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) walk(value[at], size, within)
  } else {
    checkPlain(value, within)
    for (const key of Object.keys(value)) {
      const member = (value as Readonly<Record<string, unknown>>)[key]
      // As in JSON.stringify, a member that is undefined is a member that is absent.
      if (member === undefined) continue
      text(key, size, within)
      walk(member, size, within)
    }
  }
  within.pop()
}

/** A class's object would arrive as something else: a Date as text, a Map as `{}`. */
function checkPlain(value: object, within: readonly object[]): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return
  const kind = Object.prototype.toString.call(value).slice(8, -1)
  const holders = within.slice(0, -1)
  throw invalid(pathTo(holders, value), `is a ${kind} of a class, not a plain object: write it as one or as text`)
}

/** Where the fault lies, found again from the objects around it, so that the way there costs nothing while all is well. */
function pathTo(within: readonly object[], fault: unknown): string {
  let path = ''
  within.forEach((holder, at) => {
    const sought = within[at + 1] ?? fault
    const key = Object.entries(holder).find(([, member]) => Object.is(member, sought))?.[0]
    if (key === undefined) return
    if (Array.isArray(holder)) path += `[${key}]`
    else path += path === '' ? key : `.${key}`
  })
  return path
}
