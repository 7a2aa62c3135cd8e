import { InvalidArgumentError } from 'commander'
import { AmcpError } from '../core/errors.ts'
import { MEMBERSHIP_SECONDS } from '../identity/membership-credential.ts'
import { parsed } from '../network/libp2p/peers.ts'

/** A number above zero. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('it must be a number above zero.')
  return value
}

/** How long a membership may last: above zero, and no longer than members accept. */
export function membershipHours(text: string): number {
  const value = positiveNumber(text)
  if (value * 3_600 > MEMBERSHIP_SECONDS) throw new InvalidArgumentError('a membership lasts 48 hours at most.')
  return value
}

/** A whole number above zero. */
export function wholeNumber(text: string): number {
  const value = positiveNumber(text)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('it must be a whole number above zero.')
  return value
}

/** One more address of an option that takes several. */
export function oneMoreAddress(text: string, before: readonly string[]): readonly string[] {
  try {
    return [...before, parsed(text).toString()]
  } catch {
    throw new InvalidArgumentError('it must be a multiaddr such as /ip4/192.0.2.1/tcp/4001.')
  }
}

/**
 * JSON, or else the text itself: so that numbers, objects and plain words can all be typed. What begins like an object
 * was meant as one: ERR_USAGE when it is none.
 */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    if (!text.trimStart().startsWith('{')) return text
    throw new AmcpError('ERR_USAGE', `it is no JSON: ${(cause as Error).message}`, { cause })
  }
}

/** The same for an argument, whose name Commander adds to the fault. */
export function jsonArgument(text: string): unknown {
  try {
    return jsonOrText(text)
  } catch (fault) {
    throw new InvalidArgumentError((fault as Error).message)
  }
}
