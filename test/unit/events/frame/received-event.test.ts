import { expect, test } from 'vitest'
import { nodeCrypto } from '../../../../src/core/node-crypto.ts'
import { readFrame } from '../../../../src/events/frame/frame-reader.ts'
import { FrameWriter } from '../../../../src/events/frame/frame-writer.ts'
import { plainEvent } from '../../../../src/events/plain-event.ts'
import { countingBytes, sampleEvent, sampleFields } from '../../../../src/testing/sample-frames.ts'
import { unreadable } from './arrived.ts'

const crypto = nodeCrypto()

test('a copy has every attribute of its event, in all its forms, and keeps nothing of the frame', () => {
  const writer = new FrameWriter({ crypto })
  for (let at = 0; at < 16; at += 1)
    writer.add(sampleEvent(at), at, 1, at % 3 === 0 ? undefined : countingBytes(16, at))
  writer.add(
    { ...sampleEvent(0), correlationid: 'c', extensions: { a: '1', b: '2' }, replyto: 'amcp.agent.x' },
    16,
    1,
    undefined,
  )
  const frame = writer.finish(sampleFields(crypto.signingKey(new Uint8Array(32).fill(7))))
  for (const event of readFrame(frame).events()) {
    const copy = event.copied()
    expect(plainEvent(copy)).toEqual(plainEvent(event))
    for (const name of [
      'shard',
      'sequenceNumber',
      'timestamp',
      'expiresAt',
      'givenTrace',
      'publisher',
      'isRaw',
      'fault',
    ] as const)
      expect(copy[name]).toEqual(event[name])
    expect(copy.tokenHash).toEqual(event.tokenHash)
    expect(copy.copied().dataBytes).toEqual(event.dataBytes)
    expect([event.isSmallPart, copy.isSmallPart]).toEqual([true, false])
    for (const kept of [copy.dataBytes, copy.tokenHash]) expect(kept?.buffer).not.toBe(event.frame.bytes.buffer)
  }
  expect(() => unreadable('amcp.domain.x').copied().data).toThrow(
    expect.objectContaining({ code: 'ERR_EVENT_INVALID' }),
  )
})
