import { AmcpError } from '../core/errors.ts'
import { EnvelopeWriter, isLoneCredit, readLinkMessage } from '../events/frame/link-envelope.ts'

/** What a receiver tells its sender, counted from the beginning of the stream; so a lost grant is mended by the next. */
export interface Credit {
  /** Bytes of messages taken in. */
  readonly received: number
  /** Bytes that may be sent in all. */
  readonly granted: number
}

const envelope = new EnvelopeWriter()

/** A credit as a control message of a direct lane: an envelope with a credit record and nothing else. */
export function writeCredit(received: number, granted: number): Uint8Array {
  return envelope.credit(received, granted).finish(false)
}

/** Undefined when the message is something else; one that is malformed is for the reader of the lane to refuse. */
export function readCredit(message: Uint8Array): Credit | undefined {
  if (!isLoneCredit(message)) return undefined
  try {
    const { records } = readLinkMessage(message)
    const [record] = records
    if (records.length !== 1 || record?.kind !== 'credit') return undefined
    return { received: record.received, granted: record.granted }
  } catch (error) {
    if (error instanceof AmcpError) return undefined
    throw error
  }
}
