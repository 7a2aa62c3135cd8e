import { describe, expect, test } from 'vitest'
import { AmcpError } from '../../../../src/core/errors.ts'
import { nodeCrypto } from '../../../../src/core/node-crypto.ts'
import type { AmcpEvent } from '../../../../src/events/event.ts'
import { readFrame } from '../../../../src/events/frame/frame-reader.ts'
import { FrameWriter } from '../../../../src/events/frame/frame-writer.ts'
import { sampleEvent, sampleFields } from '../../../../src/testing/sample-frames.ts'

const crypto = nodeCrypto()
const key = crypto.signingKey(new Uint8Array(32).fill(4))
const fields = sampleFields(key)
const sign = (digest: Uint8Array): Uint8Array => key.sign(digest)
const zeros = new Uint8Array(32)
const withData = (data: unknown, extra: Partial<AmcpEvent> = {}): AmcpEvent => ({ ...sampleEvent(0), ...extra, data })
const invalid = (attribute: string): unknown =>
  expect.objectContaining({ code: 'ERR_EVENT_INVALID', details: expect.objectContaining({ attribute }) })

describe('frame writer', () => {
  test('a full frame refuses the next event and is within its target', () => {
    const writer = new FrameWriter({ crypto, target: 4_096 })
    let sequence = 0
    while (writer.add(withData('x'.repeat(100), { subject: `amcp.domain.t${sequence}` }), sequence, 1, undefined))
      sequence++
    expect(writer.count).toBe(sequence)
    const size = writer.size
    const frame = writer.finish(fields)
    expect(frame.length).toBeLessThanOrEqual(size)
    expect(size).toBeLessThanOrEqual(4_096)
    expect(
      readFrame(frame)
        .events()
        .map((event) => event.sequenceNumber),
    ).toEqual([...Array(sequence).keys()])
    expect(writer.count).toBe(0)
    // The refused event starts the next frame, with nothing left over of the refusal.
    expect(writer.add(withData(1), sequence, 1, undefined)).toBe(true)
    expect(readFrame(writer.finish(fields)).events()[0]?.data).toBe(1)
  })

  test('one event may be larger than the target, up to the largest frame', () => {
    const writer = new FrameWriter({ crypto })
    const large = 'é'.repeat(100_000)
    expect(writer.add(withData(large), 0, 1, undefined)).toBe(true)
    expect(writer.add(withData(1), 1, 1, undefined)).toBe(false)
    expect(readFrame(writer.finish(fields)).events()[0]?.data).toBe(large)
    expect(() => writer.add(withData(1, { subject: 'x'.repeat(1_048_576) }), 0, 1, undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_EVENT_TOO_LARGE', details: expect.objectContaining({ limit: 1_048_576 }) }),
    )
    writer.add(withData('after'), 0, 1, undefined)
    expect(readFrame(writer.finish(fields)).events()[0]?.data).toBe('after')
  })

  test('data of 256 KiB is read, and one byte more makes the frame malformed', () => {
    const writer = new FrameWriter({ crypto })
    writer.add(withData(new Uint8Array(262_144)), 0, 1, undefined)
    const frame = writer.finish(fields)
    expect(readFrame(frame).events()[0]?.dataBytes.length).toBe(262_144)
    // By hand, since no writer of ours does this: the data is the last record's end, right before the string table.
    const view = new DataView(frame.buffer, frame.byteOffset)
    const body = frame.length - view.getUint32(8, true)
    const table = body + view.getUint32(body, true)
    const longer = new Uint8Array(frame.length + 1)
    longer.set(frame.subarray(0, table))
    longer.set(frame.subarray(table), table + 1)
    const length = table - 262_144 - 3
    expect([...longer.subarray(length, length + 3)]).toEqual([0x80, 0x80, 0x10])
    longer[length] = 0x81
    const changed = new DataView(longer.buffer)
    changed.setUint32(8, view.getUint32(8, true) + 1, true)
    changed.setUint32(body, view.getUint32(body, true) + 1, true)
    expect(() => readFrame(longer).events()).toThrow(
      expect.objectContaining({ code: 'ERR_FRAME_INVALID', details: { reason: 'data length' } }),
    )
  })

  test('what cannot be written is refused, and the frame goes on without it', () => {
    const writer = new FrameWriter({ crypto })
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    writer.add(withData('before'), 0, 1, undefined)
    expect(() => writer.add(withData(cyclic), 1, 1, undefined)).toThrow(invalid('data'))
    expect(() => writer.add(withData(1n), 1, 1, undefined)).toThrow(invalid('data'))
    expect(() =>
      writer.add(
        withData(() => 1),
        1,
        1,
        undefined,
      ),
    ).toThrow(invalid('data'))
    expect(() => writer.add(withData(1, { priority: 1.5 }), 1, 1, undefined)).toThrow(invalid('priority'))
    expect(() => writer.add(withData(1, { priority: -1 }), 1, 1, undefined)).toThrow(invalid('priority'))
    expect(() => writer.add(withData(1, { extensions: { Bad: '1' } }), 1, 1, undefined)).toThrow(invalid('Bad'))
    expect(() => writer.add(withData(1, { subject: 'half \uD800' }), 1, 1, undefined)).toThrow(invalid('half \uFFFD'))
    writer.add(withData('after'), 1, 1, undefined)
    expect(
      readFrame(writer.finish(fields))
        .events()
        .map((event) => event.data),
    ).toEqual(['before', 'after'])
  })

  test('a refused event leaves no byte behind: the frame is that of a writer that never saw it', () => {
    const frames = [false, true].map((isRefusing) => {
      const writer = new FrameWriter({ crypto, target: 2_000 })
      const kept = new Uint8Array(16).fill(1)
      writer.add(withData('first'), 0, 1, kept)
      const other = withData('x'.repeat(2_000), { subject: 'amcp.domain.refused', time: '2030-01-01T00:00:00.000Z' })
      if (isRefusing) {
        expect(writer.add(other, 1, 2, new Uint8Array(16).fill(2))).toBe(false)
        expect(() => writer.add({ ...other, data: 1n }, 1, 2, new Uint8Array(16).fill(3))).toThrow(invalid('data'))
      }
      writer.add(withData('second', { type: 'amcp.domain.second' }), 1, 1, kept)
      expect(writer.isMixed).toBe(false)
      return writer.finish(fields)
    })
    expect(frames[1]).toEqual(frames[0])
  })

  test('a caller that miscounts is told so', () => {
    const writer = new FrameWriter({ crypto })
    writer.add(withData(1), 5, 1, undefined)
    expect(() => writer.add(withData(1), 5, 1, undefined)).toThrow(RangeError)
    expect(() => writer.add(withData(1), 0.5, 2, undefined)).toThrow(RangeError)
    expect(() => writer.add(withData(1), 6, 65_536, undefined)).toThrow(RangeError)
    expect(() => writer.add(withData(1), 6, -1, undefined)).toThrow(RangeError)
    expect(() => writer.add(withData(1), 6, 1, new Uint8Array(15))).toThrow(RangeError)
    expect(writer.count).toBe(1)
  })

  test('a chain needs a signer and a signer needs a chain', () => {
    const writer = new FrameWriter({ crypto })
    expect(() => writer.finish(fields, sign)).toThrow(TypeError)
    expect(() => writer.finish({ ...fields, chain: { kind: 'gossip', n: 0, predecessor: zeros } })).toThrow(TypeError)
  })

  test('frames that no reader would take are not written', () => {
    const writer = new FrameWriter({ crypto })
    expect(() => writer.finish({ ...fields, acknowledged: true })).toThrow('signed')
    expect(() => writer.finish({ ...fields, chunk: { offset: 0, total: 1 } })).toThrow('exactly one')
    expect(() => writer.finish({ ...fields, meshHash: new Uint8Array(3) })).toThrow('meshHash')
    writer.add(withData(1), 0, 1, undefined)
    writer.add(withData(1), 0, 2, undefined)
    expect(writer.isMixed).toBe(true)
    expect(() => writer.finish({ ...fields, chain: { kind: 'gossip', n: 0, predecessor: zeros } }, sign)).toThrow(
      'receiver',
    )
  })

  test('each frame of a chain names the digest of the one before', () => {
    const writer = new FrameWriter({ crypto })
    let predecessor: Uint8Array = zeros
    for (let n = 0; n < 3; n++) {
      writer.add(withData(n), n, 1, undefined)
      const frame = readFrame(writer.finish({ ...fields, chain: { kind: 'gossip', n, predecessor } }, sign))
      expect(frame.header.place).toEqual({ kind: 'gossip', n, predecessor })
      expect(frame.verifySignature(crypto) && frame.verifyBody(crypto)).toBe(true)
      predecessor = frame.headerDigest(crypto)
      expect(writer.headerDigest).toEqual(predecessor)
    }
  })

  test('a frame has memory of its own, which the next one leaves as it is', () => {
    const writer = new FrameWriter({ crypto })
    writer.add(withData(1), 0, 1, undefined)
    const first = writer.finish(fields)
    const before = first.slice()
    writer.add(withData(2), 0, 1, undefined)
    expect(writer.finish(fields)).not.toEqual(first)
    expect(first).toEqual(before)
    expect(first.byteLength).toBe(first.buffer.byteLength)
  })

  test('credentials larger than the room in front move the events, not change them', () => {
    const writer = new FrameWriter({ crypto })
    const credentials = [new Uint8Array(20_000).fill(1), new Uint8Array(0), new Uint8Array(200_000).fill(2)]
    const tokens = Array.from({ length: 300 }, (_, n) => new Uint8Array(16).fill(n))
    for (const [n, token] of tokens.entries()) writer.add(withData(n), n, 1, token)
    const frame = readFrame(writer.finish({ ...fields, credentials }))
    expect(frame.credentials()).toEqual(credentials)
    expect(frame.tokenHashes()).toEqual(tokens)
    expect(frame.events().map((event) => [event.data, event.tokenHash])).toEqual(tokens.map((token, n) => [n, token]))
  })

  test('a frame holds at most 65,535 events', () => {
    const writer = new FrameWriter({ crypto, target: 16_777_216, largest: 16_777_216 })
    const small = withData(undefined)
    for (let n = 0; n < 65_535; n++) writer.add(small, n, 1, undefined)
    expect(writer.add(small, 65_535, 1, undefined)).toBe(false)
    const { length, 65_534: last } = readFrame(writer.finish(fields)).events()
    expect([length, last?.sequenceNumber]).toEqual([65_535, 65_534])
  })

  test('the dictionary is bounded: thousands of different topics do not stay for ever', () => {
    const writer = new FrameWriter({ crypto })
    for (let n = 0; n < 6_000; n++) {
      writer.add(withData(n, { subject: `amcp.domain.${n}` }), n, 1, undefined)
      if (n % 100 === 99) expect(readFrame(writer.finish(fields)).events()[99]?.subject).toBe(`amcp.domain.${n}`)
    }
  })
})

describe('received event', () => {
  const receive = (...events: AmcpEvent[]) => {
    const writer = new FrameWriter({ crypto })
    for (const [n, event] of events.entries()) writer.add(event, n, 1, undefined)
    return readFrame(writer.finish(fields)).events()
  }

  test('data is decoded once, when first read', () => {
    const [event] = receive(withData({ a: 1 }))
    expect(event?.data).toBe(event?.data)
    expect(event?.hasData).toBe(true)
    expect(new TextDecoder().decode(event?.dataBytes)).toBe('{"a":1}')
  })

  test('data that is no JSON or no UTF-8 throws only when it is read', () => {
    for (const [from, to] of [
      ['"abc"', '"abc,'],
      ['"abc"', '"a\u00ffc"'],
    ] as const) {
      const [event] = receive(withData('abc'))
      const bytes = event!.dataBytes
      expect(new TextDecoder().decode(bytes)).toBe(from)
      for (let at = 0; at < bytes.length; at++) bytes[at] = to.charCodeAt(at)
      expect(() => event?.data).toThrow(invalid('data'))
    }
  })

  test('its time is known in milliseconds, whatever form it came in', () => {
    const times = ['2026-11-20T08:15:30.250Z', '2026-11-20T09:15:30.25+01:00', 'yesterday']
    const stamps = receive(...times.map((time) => withData(1, { time }))).map((event) => event.timestamp)
    expect(stamps).toEqual([1_795_162_530_250, 1_795_162_530_250, Number.NaN])
  })

  test('its publisher is the context id of the key in the header', () => {
    const [event] = receive(withData(1))
    expect(event?.publisher).toMatch(/^12D3Koo/)
    expect(event?.tokenHash).toBeUndefined()
  })

  test('topics that come again are the same string', () => {
    const [first] = receive(sampleEvent(0))
    const [second] = receive(sampleEvent(0))
    expect(Object.is(first?.subject, second?.subject)).toBe(true)
  })

  test('a frame remembers what it has decoded, and its errors are AmcpErrors', () => {
    const writer = new FrameWriter({ crypto })
    writer.add(withData(1), 0, 1, undefined)
    const frame = readFrame(Buffer.from(writer.finish(fields)))
    expect(frame.events()).toBe(frame.events())
    expect(frame.signature).toBeUndefined()
    expect(frame.verifySignature(crypto)).toBe(false)
    expect(frame.verifyBody(crypto)).toBe(true)
    expect(() => readFrame(new Uint8Array(0))).toThrow(AmcpError)
  })
})
