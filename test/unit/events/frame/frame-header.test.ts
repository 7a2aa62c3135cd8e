import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../../../src/core/node-crypto.ts'
import { decodeHeader, LONGEST_HEADER, SHORTEST_HEADER } from '../../../../src/events/frame/frame-header.ts'
import { readFrame } from '../../../../src/events/frame/frame-reader.ts'
import { FrameWriter } from '../../../../src/events/frame/frame-writer.ts'
import { countingBytes, sampleEvent, sampleFields, sampleFrames } from '../../../../src/testing/sample-frames.ts'

const crypto = nodeCrypto()
const key = crypto.signingKey(new Uint8Array(32).fill(4))
const frames = sampleFrames({ crypto, key })
const refusal = (reason: string): unknown => expect.objectContaining({ code: 'ERR_FRAME_INVALID', details: { reason } })
const changed = (name: string, changes: Record<number, number>): Uint8Array => {
  const frame = frames[name]!.slice()
  for (const [at, value] of Object.entries(changes)) frame[Number(at)] = value
  return frame
}

describe('frame header', () => {
  test('every field comes back', () => {
    const { header } = readFrame(frames['log with read class']!)
    const fields = sampleFields(key)
    expect(header.meshHash).toEqual(fields.meshHash)
    expect(header.publisher).toEqual(key.publicKey)
    expect(header.incarnation).toEqual(fields.incarnation)
    expect(header.membershipHash).toEqual(fields.membershipHash)
    expect(header.readClass).toEqual(countingBytes(16, 0xe0))
    expect([header.generation, header.time, header.shard, header.eventCount]).toEqual([1, fields.time, 5, 4])
    expect([header.isSigned, header.isAcknowledged, header.isMixed, header.isUnrestricted]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(header.place).toMatchObject({ kind: 'log', n: 7, logId: countingBytes(16, 0xf0), offset: 300 })
    expect(header.chunk).toBeUndefined()
  })

  test('a link frame names its receiver, a chunk its place, an unsigned frame neither digest nor chain', () => {
    const link = readFrame(frames['link, mixed shards']!).header
    expect(link.place).toEqual({ kind: 'link', n: 0, predecessor: new Uint8Array(32), receiver: countingBytes(16, 1) })
    expect([link.isMixed, link.isUnrestricted]).toEqual([true, true])
    expect(readFrame(frames['chunk']!).header.chunk).toEqual({ offset: 128, total: 1000 })
    const unsigned = readFrame(frames['unsigned']!).header
    expect([unsigned.place, unsigned.bodyDigest, unsigned.chain]).toEqual([undefined, undefined, 'none'])
    expect(unsigned.bytes).toHaveLength(SHORTEST_HEADER)
    expect(LONGEST_HEADER).toBe(224)
  })

  test.each<[string, string, Record<number, number>]>([
    ['magic', 'unsigned', { 0: 0 }],
    ['magic', 'unsigned', { 1: 0 }],
    ['version', 'unsigned', { 2: 0 }],
    ['version', 'unsigned', { 2: 2 }],
    ['flags', 'unsigned', { 3: 0x20 }],
    ['flags', 'unsigned', { 3: 0x02 }],
    ['chain', 'unsigned', { 3: 0x01 }],
    ['chain', 'unsigned', { 6: 1 }],
    ['chain', 'unsigned', { 6: 4 }],
    ['chain', 'chain 0', { 3: 0x09 }],
    ['mixed', 'chain 0', { 3: 0x11 }],
    ['mixed', 'log with read class', { 3: 0x1b }],
    ['header length', 'unsigned', { 4: 125 }],
    ['header length', 'chunk', { 3: 0x01 }],
    ['reserved', 'unsigned', { 7: 1 }],
    ['reserved', 'unsigned', { 26: 1 }],
    ['chunk', 'chunk', { 12: 2 }],
    ['chunk', 'chunk', { 194: 0xe8, 195: 0x03 }],
    ['body length', 'unsigned', { 8: 0 }],
    ['body length', 'unsigned', { 11: 1 }],
  ])('a wrong %s is refused: %s %j', (reason, name, changes) => {
    expect(() => readFrame(changed(name, changes))).toThrow(refusal(reason))
  })

  test('a header that says it is longer than the frame is refused', () => {
    expect(() => decodeHeader(frames['chain 0']!.subarray(0, 150))).toThrow(refusal('truncated'))
  })

  test('body lengths and counts that lie are refused before memory is taken', () => {
    const bodyAt = SHORTEST_HEADER
    const read = (changes: Record<number, number>) => () => readFrame(changed('unsigned', changes)).events()
    expect(read({ [bodyAt + 3]: 0xff })).toThrow(refusal('string table'))
    expect(read({ [bodyAt + 4]: 0x7f })).toThrow(refusal('varint'))
    expect(read({ [bodyAt + 5]: 0x7f })).toThrow(refusal('count'))
    expect(read({ 12: 0xff, 13: 0xff })).toThrow(refusal('event count'))
    expect(read({ 12: 0 })).toThrow(refusal('trailing bytes'))
  })

  test('indexes and times just beyond their end are refused', () => {
    const writer = new FrameWriter({ crypto })
    const event = { ...sampleEvent(0), time: '1970-01-01T00:00:00.000Z', expirytime: '1970-01-01T00:00:00.001Z' }
    writer.add(event, 0, 1, new Uint8Array(16))
    const frame = writer.finish(sampleFields(key))
    const recordAt = SHORTEST_HEADER + 4 + 1 + 1 + 16
    const sourceAt = recordAt + 2 + 1 + 1 + 16
    const read = (at: number, value: number) => {
      const changedFrame = frame.slice()
      changedFrame[at] = value
      return () => readFrame(changedFrame).events()
    }
    expect(read(sourceAt, 0)()[0]?.source).toBe(event.source)
    expect(read(sourceAt, 3)).toThrow(refusal('string index'))
    expect(read(sourceAt + 3, 0)()[0]?.tokenHash).toEqual(new Uint8Array(16))
    expect(read(sourceAt + 3, 1)).toThrow(refusal('token index'))
    expect(read(sourceAt + 4, 2)()[0]?.expirytime).toBe(event.expirytime)
    expect(read(sourceAt + 4, 1)).toThrow(refusal('time'))
    expect(read(recordAt + 3, 1)).toThrow(refusal('time'))
    expect(read(recordAt + 1, 0x61)).toThrow(refusal('shard'))
  })
})
