import { AmcpError } from '../core/errors.ts'
import type { RefusalCode } from './hello-message.ts'
import { REFUSAL_CODES } from './hello-message.ts'

/** Carries the other end's refusal past the code that would refuse it in turn. */
export class RefusedByThem extends Error {
  readonly error: AmcpError

  constructor(error: AmcpError) {
    super(error.message)
    this.error = error
  }
}

/** The code that a refusal for this error has; undefined when it is none that the other end is to hear. */
export function refusalOf(error: unknown): RefusalCode | undefined {
  return error instanceof AmcpError ? REFUSAL_CODES.find((code) => code === error.code) : undefined
}
