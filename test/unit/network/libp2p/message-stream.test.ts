import type { Stream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { Counters } from '../../../../src/core/counters.ts'
import { silentLogger } from '../../../../src/core/logger.ts'
import { END_MARK } from '../../../../src/network/libp2p/length-prefix.ts'
import { Libp2pMessageStream } from '../../../../src/network/libp2p/message-stream.ts'

class FakeStream extends EventTarget {
  status = 'open'
  writeStatus = 'writable'
  remoteWriteStatus = 'writable'
  writableNeedsDrain = false
  writeBufferLength = 0
  sent: Uint8Array[] = []
  paused = false
  aborted: Error | undefined
  closing: Promise<void> = Promise.resolve()
  send(bytes: Uint8Array): boolean {
    this.sent.push(bytes)
    return !this.writableNeedsDrain
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  close(): Promise<void> {
    return this.closing
  }
  abort(reason: Error): void {
    this.aborted = reason
    this.end(reason)
  }
  end(error?: Error): void {
    this.status = 'closed'
    this.dispatchEvent(Object.assign(new Event('close'), { error }))
  }
  receive(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }))
  }
}

function opened(prepare: (fake: FakeStream) => void = () => {}) {
  const counters = new Counters()
  const lines: unknown[] = []
  const logger = { ...silentLogger, error: (fields: unknown) => lines.push(fields) }
  const fake = new FakeStream()
  prepare(fake)
  const stream = new Libp2pMessageStream(fake as unknown as Stream, 'peer', '/x', { counters, logger })
  const ends: (Error | undefined)[] = []
  return { counters, lines, fake, stream, ends, listen: () => stream.onClose((reason) => ends.push(reason)) }
}

const message = (size: number, value = 1): Uint8Array => {
  const wire = new Uint8Array(4 + size).fill(value)
  new DataView(wire.buffer).setUint32(0, size, true)
  return wire
}

describe('Libp2pMessageStream', () => {
  test('reads chunks and lists of chunks, and hands over no Buffers', () => {
    const { fake, stream } = opened()
    const got: Uint8Array[] = []
    stream.onMessage((each) => got.push(each))
    fake.receive(Buffer.from(message(2)))
    fake.receive([Buffer.from(message(2).subarray(0, 3)), message(2).subarray(3)])
    expect(got).toEqual([Uint8Array.of(1, 1), Uint8Array.of(1, 1)])
  })

  test('pauses the other end at 1 MiB that nobody takes, and resumes when somebody does', () => {
    const { fake, stream } = opened()
    for (let at = 0; at < 4; at++) fake.receive(message(256 * 1024, at))
    expect(fake.paused).toBe(true)
    const got: number[] = []
    stream.onMessage((each) => got.push(each[0]!))
    expect(fake.paused).toBe(false)
    expect(got).toEqual([0, 1, 2, 3])
  })

  test.each([new TypeError('a bug'), 'a bug'])('counts and logs what its listener throws, and ends: %s', (thrown) => {
    const { counters, lines, fake, stream } = opened()
    stream.onMessage(() => {
      throw thrown
    })
    fake.receive(message(1))
    expect(fake.aborted?.message).toBe('a bug')
    expect(counters.get('network.streams.listener-failed')).toBe(1)
    expect(lines).toEqual([{ peer: 'peer', protocol: '/x', error: String(thrown) }])
  })

  test('takes a wrong length for the other end’s fault alone', () => {
    const { counters, lines, fake } = opened()
    fake.receive(new Uint8Array(8).fill(0xfe))
    expect(fake.aborted).toMatchObject({ code: 'ERR_FRAME_INVALID' })
    expect([counters.snapshot(), lines]).toEqual([{}, []])
  })

  test('does not pause or resume a stream that has ended', () => {
    const { fake, stream } = opened()
    fake.end()
    for (let at = 0; at < 5; at++) fake.receive(message(256 * 1024))
    expect(fake.paused).toBe(false)
    fake.paused = true
    stream.onMessage(() => {})
    expect(fake.paused).toBe(true)
  })

  test('takes the first message away and keeps the next', () => {
    const { fake, stream } = opened()
    let first = 0
    stream.onFirst(() => first++)
    fake.receive(message(0))
    fake.receive(message(1))
    const got: Uint8Array[] = []
    stream.onMessage((each) => got.push(each))
    expect(first).toBe(1)
    expect(got).toEqual([Uint8Array.of(1)])
  })

  test('tells a listener that comes late how the stream ended, once', () => {
    const { fake, ends, listen, stream } = opened()
    fake.end()
    fake.end()
    listen()
    expect(ends).toMatchObject([{ code: 'ERR_STREAM_CLOSED', retryable: true }])
    expect(stream.buffered).toBe(0)
    stream.abort(new Error('late'))
    expect(ends).toHaveLength(1)
  })

  test('is ended from the start when the stream was reset before it came here', () => {
    const { ends, listen, stream } = opened((fake) => Object.assign(fake, { status: 'reset' }))
    listen()
    expect(stream.isOpen).toBe(false)
    expect(ends).toHaveLength(1)
  })

  test('answers the end of the other side, also one that came before, by its own', async () => {
    for (const early of [true, false]) {
      const { fake, stream, ends, listen } = opened((each) => {
        if (early) each.remoteWriteStatus = 'closed'
      })
      listen()
      fake.receive(END_MARK)
      if (!early) fake.dispatchEvent(new Event('remoteCloseWrite'))
      expect(stream.isOpen).toBe(false)
      expect(fake.sent).toEqual([END_MARK])
      await fake.closing
      fake.end()
      expect(ends).toEqual([undefined])
    }
  })

  test('an end of the other side without its mark is the end of the link: it has a reason', async () => {
    const { fake, stream, ends, listen } = opened()
    listen()
    fake.dispatchEvent(new Event('remoteCloseWrite'))
    expect(stream.isOpen).toBe(false)
    await fake.closing
    fake.end()
    expect(ends).toMatchObject([{ code: 'ERR_STREAM_CLOSED' }])
  })

  test('closes a stream that takes no more bytes without the mark', async () => {
    const { fake, stream } = opened()
    fake.writeStatus = 'closed'
    await stream.close()
    expect(fake.sent).toEqual([])
  })

  test('says why, when the end of the stream comes before everything was sent', async () => {
    const { fake, stream, ends, listen } = opened()
    listen()
    fake.closing = Promise.reject(new Error('reset'))
    await stream.close()
    await stream.close()
    expect(ends).toMatchObject([{ code: 'ERR_STREAM_CLOSED' }])
    expect(fake.aborted).toBeDefined()
  })

  test('throws for a stream that can no longer be written to', () => {
    const { fake, stream } = opened()
    fake.writeStatus = 'closing'
    expect(() => stream.send(Uint8Array.of(1))).toThrow(expect.objectContaining({ code: 'ERR_STREAM_CLOSED' }))
  })

  test('drained waits through several drains, and no longer when there is nothing to wait for', async () => {
    const { fake, stream } = opened()
    await stream.drained()
    Object.assign(fake, { writableNeedsDrain: true, writeBufferLength: 10 })
    expect(stream.send(Uint8Array.of(1))).toBe(false)
    expect(stream.buffered).toBe(10)
    let done = false
    const waiting = stream.drained().then(() => {
      done = true
    })
    fake.dispatchEvent(new Event('drain'))
    await new Promise(setImmediate)
    expect(done).toBe(false)
    Object.assign(fake, { writableNeedsDrain: false, writeBufferLength: 0 })
    fake.dispatchEvent(new Event('idle'))
    await waiting
  })
})
