import { expect, test } from 'vitest'
import { CLOCK_AHEAD } from '../../../src/core/clock-tolerance.ts'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import { isExpired } from '../../../src/events/expiry.ts'
import { readFrame } from '../../../src/events/frame/frame-reader.ts'
import { FrameWriter } from '../../../src/events/frame/frame-writer.ts'
import { sampleFields } from '../../../src/testing/sample-frames.ts'
import { sampleEvent } from './sample-event.ts'

const crypto = nodeCrypto()
const AT = Date.parse('2026-11-20T08:15:31.000Z')
const at = (now: number) => ({ now: () => now })

/** Expiry times in every form, each of them AT, or none. */
const forms = ['2026-11-20T08:15:31.000Z', '2026-11-20T08:15:31Z', '2026-11-20T09:15:31+01:00']

test.each(forms)('an event of this process is past its expiry at it: %s', (expirytime) => {
  const event = sampleEvent({ expirytime })
  expect([isExpired(event, at(AT - 1)), isExpired(event, at(AT))]).toEqual([false, true])
})

test.each(forms)('one from another context when it is so by every clock that may have set it: %s', (expirytime) => {
  const writer = new FrameWriter({ crypto })
  writer.add(sampleEvent({ expirytime }), 0, 1, undefined)
  const [event] = readFrame(writer.finish(sampleFields(crypto.signingKey(new Uint8Array(32))))).events()
  const moments = [AT, AT + CLOCK_AHEAD - 1, AT + CLOCK_AHEAD]
  expect(moments.map((now) => isExpired(event!, at(now)))).toEqual([false, false, true])
  expect(event!.expiresAt).toBe(AT)
})

test('without an expiry, or with one that cannot be read, an event never is', () => {
  for (const more of [{}, { expirytime: 'whenever' }, { datacontenttype: 'image/png', data: new Uint8Array(1) }]) {
    const writer = new FrameWriter({ crypto })
    writer.add(sampleEvent(more), 0, 1, undefined)
    const [event] = readFrame(writer.finish(sampleFields(crypto.signingKey(new Uint8Array(32))))).events()
    for (const one of [sampleEvent(more), event!]) expect(isExpired(one, at(Number.MAX_SAFE_INTEGER))).toBe(false)
  }
})
