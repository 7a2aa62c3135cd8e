import { nodeCrypto } from '../../../../src/core/node-crypto.ts'
import { readFrame } from '../../../../src/events/frame/frame-reader.ts'
import { FrameWriter } from '../../../../src/events/frame/frame-writer.ts'
import type { ReceivedEvent } from '../../../../src/events/frame/received-event.ts'
import { sampleEvent, sampleFields } from '../../../../src/testing/sample-frames.ts'

const crypto = nodeCrypto()
const fields = sampleFields(crypto.signingKey(new Uint8Array(32).fill(7)))

/** Events as they come from another context, all in one frame. */
export function arrived(topic: string, ...data: readonly unknown[]): ReceivedEvent[] {
  const writer = new FrameWriter({ crypto })
  for (const [at, one] of data.entries()) {
    writer.add({ ...sampleEvent(0), subject: topic, data: one }, at, 1, undefined)
  }
  return [...readFrame(writer.finish(fields)).events()]
}

/** One whose data is no JSON, as no honest publisher writes it. */
export function unreadable(topic: string): ReceivedEvent {
  const [event] = arrived(topic, 'x')
  event!.dataBytes[0] = 0x7b
  return event!
}
