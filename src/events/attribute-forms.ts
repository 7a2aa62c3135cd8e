import { traceparentForm } from './cause-chain.ts'

/** UTF-16 units of a text attribute, so that an event's size is bounded by more than its data. */
export const MAX_ATTRIBUTE_LENGTH = 1_024
/** Extensions of one event. */
export const MAX_EXTENSIONS = 32
/** The highest priority; 0 is the lowest. */
export const MAX_PRIORITY = 9

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const rfc3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/
const digits = /^\d{1,20}$/
const mediaType = /^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/

/** The forms that attributes must have, for who writes an event and for who gets one (EV-1). */
export const isUuid = (text: string): boolean => uuid.test(text)
export const isTime = (text: string): boolean => rfc3339.test(text)
export const isDecimal = (text: string): boolean => digits.test(text)
export const isMediaType = (text: string): boolean => mediaType.test(text)
export const isTraceparent = (text: string): boolean => traceparentForm.test(text)
export const isPriority = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= MAX_PRIORITY
/** Not empty, and not too long. */
export const isShortText = (text: string): boolean => text !== '' && text.length <= MAX_ATTRIBUTE_LENGTH
