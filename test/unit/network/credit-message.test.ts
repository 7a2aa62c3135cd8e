import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EnvelopeWriter, readLinkMessage } from '../../../src/events/frame/link-envelope.ts'
import { readCredit, writeCredit } from '../../../src/network/credit-message.ts'

const count = fc.maxSafeNat()

describe('credit messages', () => {
  test('come back as they were written', () => {
    void fc.assert(
      fc.property(count, count, (received, granted) => {
        expect(readCredit(writeCredit(received, granted))).toEqual({ received, granted })
      }),
    )
  })

  test('are link envelopes with a credit record and nothing else', () => {
    void fc.assert(
      fc.property(count, count, (received, granted) => {
        const message = writeCredit(received, granted)
        expect(readLinkMessage(message)).toEqual({ records: [{ kind: 'credit', received, granted }], frame: undefined })
        expect(message).toEqual(new EnvelopeWriter().credit(received, granted).finish(false))
      }),
    )
  })

  test('are told from all other messages of the lane', () => {
    const frame = Uint8Array.of(1, 2, 3)
    const previous = new EnvelopeWriter().previous(1, 5).finish(true)
    const several = new EnvelopeWriter().credit(1, 2).interest(1, 2, true).finish(false)
    const withFrame = new Uint8Array([...new EnvelopeWriter().credit(1, 2).finish(true), ...frame])
    for (const message of [new Uint8Array(), frame, previous, several, withFrame])
      expect(readCredit(message)).toBeUndefined()
  })

  test('that are cut short or lie about their length are no credits', () => {
    const whole = writeCredit(300, 70_000)
    for (let length = 0; length < whole.length; length += 1)
      expect(readCredit(whole.subarray(0, length))).toBeUndefined()
    for (const rest of [
      [255, 255, 255, 255],
      [1, 255],
      [255, 255, 255, 255, 255, 255, 255, 255, 1, 1],
    ])
      expect(readCredit(Uint8Array.of(1, rest.length + 1, 5, ...rest))).toBeUndefined()
  })
})
