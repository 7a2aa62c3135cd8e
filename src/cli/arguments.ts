import { InvalidArgumentError } from 'commander'

/** A number above zero. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('it must be a number above zero.')
  return value
}

/** A whole number above zero. */
export function wholeNumber(text: string): number {
  const value = positiveNumber(text)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('it must be a whole number above zero.')
  return value
}

/** JSON, or else the text itself: so that numbers, objects and plain words can all be typed. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text // a word that is no JSON is meant as it stands
  }
}
