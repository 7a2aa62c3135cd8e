import { describe, expect, test } from 'vitest'
import { OwnChain, ReceivedChain } from '../../../../src/broker/mesh/chains.ts'
import { ReceivedStreams } from '../../../../src/broker/mesh/received-streams.ts'
import { Receiver, type ReceiverComponents } from '../../../../src/broker/mesh/receiver.ts'
import { structureFault } from '../../../../src/broker/mesh/validator.ts'
import { Counters } from '../../../../src/core/counters.ts'
import { AmcpError } from '../../../../src/core/errors.ts'
import { silentLogger } from '../../../../src/core/logger.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { type Frame, readFrame } from '../../../../src/events/frame/frame-reader.ts'
import { FrameWriter } from '../../../../src/events/frame/frame-writer.ts'
import { eventOf } from '../world.ts'
import { crypto, key, ports } from './signed-frames.ts'

test('blames the peer of a direct lane for what it sent, and for no fault of ours', () => {
  const blamed: string[] = []
  const parts = {
    ports: { ...ports, counters: new Counters(), logger: silentLogger, crypto },
    shards: { count: 64 },
    misbehaved: (_: string, reason: string) => blamed.push(reason),
  }
  const receiver = new Receiver(parts as unknown as ReceiverComponents)
  receiver.takeDirect('peer', Uint8Array.of(9))
  expect(blamed).toEqual(['envelope'])
  expect(() => receiver.takeDirect('peer', undefined as never)).toThrow(TypeError)
  expect(blamed).toEqual(['envelope'])
})

/** A signed frame in the chain whose only event says `word`. */
function frameOf(n: number, predecessor: Uint8Array, word: string): Frame {
  const writer = new FrameWriter({ crypto })
  writer.add(eventOf(ports, 'amcp://x/y', 'amcp.t', word), n, 3, undefined)
  const zeros = new Uint8Array(16)
  const fields = { meshHash: zeros, publisher: key.publicKey, incarnation: zeros, membershipHash: zeros }
  const chain = { kind: 'gossip', n, predecessor } as const
  return readFrame(writer.finish({ ...fields, generation: 0, time: 1, chain }, (digest) => key.sign(digest)))
}

/** The first `count` frames of an honest chain. */
function honest(count: number): Frame[] {
  const own = new OwnChain()
  return Array.from({ length: count }, () => {
    const frame = frameOf(own.n, own.predecessor, `honest ${own.n}`)
    own.signed(frame.headerDigest(crypto))
    return frame
  })
}

const record = (chain: ReceivedChain, frame: Frame) =>
  chain.record(frame, frame.header.place!.n, frame.header.place!.predecessor, frame.headerDigest(crypto))

describe('chain of somebody else', () => {
  test('takes the frames of an honest chain in any order, and each once', () => {
    const chain = new ReceivedChain()
    const frames = honest(6)
    for (const at of [1, 0, 3, 2, 5, 4]) expect(record(chain, frames[at]!)).toBe('new')
    for (const frame of frames) expect(record(chain, frame)).toBe('seen')
    expect(chain.isQuarantined).toBe(false)
  })

  test('calls old what lies further back than it remembers', () => {
    const chain = new ReceivedChain()
    const frames = honest(40)
    for (const frame of frames) expect(record(chain, frame)).toBe('new')
    expect(record(chain, frames[0]!)).toBe('old')
    expect(chain.look(39, frames[39]!.headerDigest(crypto))).toBe('seen')
  })

  test('two frames for one slot are evidence, and the chain is quarantined', () => {
    const chain = new ReceivedChain()
    const [first] = honest(1)
    const rival = frameOf(0, new Uint8Array(32), 'something else')
    record(chain, first!)
    expect(chain.look(0, rival.headerDigest(crypto))).toBe('other')
    const evidence = record(chain, rival)
    expect(evidence).toMatchObject({ publisher: first!.publisher, n: 0 })
    expect(chain.isQuarantined).toBe(true)
    const { first: one, second: two } = evidence as { first: Uint8Array; second: Uint8Array }
    for (const [proof, frame] of [
      [one, first],
      [two, rival],
    ] as const) {
      const length = frame!.header.bytes.length
      expect(crypto.verify(key.publicKey, crypto.sha256(proof.subarray(0, length)), proof.subarray(length))).toBe(true)
    }
  })

  test('a frame that names another predecessor than the one seen is evidence too, whichever came first', () => {
    const frames = honest(2)
    const fork = frameOf(1, new Uint8Array(32).fill(9), 'after something else')
    const forwards = new ReceivedChain()
    record(forwards, frames[0]!)
    expect(record(forwards, fork)).toMatchObject({ n: 1 })
    const backwards = new ReceivedChain()
    record(backwards, fork)
    expect(record(backwards, frames[0]!)).toMatchObject({ n: 0 })
    expect(backwards.isQuarantined).toBe(true)
  })
})

test('a fault of the reader itself is not blamed on the frame', () => {
  expect(structureFault(new AmcpError('ERR_FRAME_INVALID', 'malformed'))).toBe('structure')
  expect(() => structureFault(new RangeError('a bug'))).toThrow(RangeError)
})

describe('streams of publishers', () => {
  test('are one for each incarnation, and only looked for before the publisher is known', () => {
    const streams = new ReceivedStreams(new VirtualClock(), 64)
    expect(streams.known('a', 'one')).toBeUndefined()
    expect(streams.size).toBe(0)
    const one = streams.of('a', 'one')
    expect(streams.known('a', 'one')).toBe(one)
    expect(streams.of('a', 'one')).toBe(one)
    expect(streams.of('a', 'two')).not.toBe(one)
  })

  test('hold 16 starts of one context and forget those not used for ten minutes', async () => {
    const clock = new VirtualClock()
    const streams = new ReceivedStreams(clock, 64)
    for (let at = 0; at < 16; at += 1) expect(streams.of('a', `${at}`)).toBeDefined()
    expect(streams.of('a', 'more')).toBeUndefined()
    await clock.advance(600_001)
    expect(streams.of('a', 'more')).toBeDefined()
    expect(streams.known('a', '0')).toBeUndefined()
  })

  test('hold a bounded number of publishers', async () => {
    const clock = new VirtualClock()
    const streams = new ReceivedStreams(clock, 1)
    for (let at = 0; at < 4_096; at += 1) streams.of(`p${at}`, 'one')
    expect(streams.of('more', 'one')).toBeUndefined()
    await clock.advance(600_001)
    expect(streams.of('more', 'one')).toBeDefined()
    expect(streams.size).toBe(1)
  })
})
