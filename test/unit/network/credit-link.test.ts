import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { CreditLink, type CreditLinkOptions } from '../../../src/network/credit-link.ts'
import { readCredit, writeCredit } from '../../../src/network/credit-message.ts'
import type { MessageStream } from '../../../src/network/network.ts'

/** A stream whose other end is the test: what is sent piles up until it is taken. */
class ManualStream implements MessageStream {
  readonly peer = 'peer'
  readonly protocol = '/test/1'
  readonly sent: Uint8Array[] = []
  isOpen = true
  /** `send` says the buffer is full, until `drain`. */
  isFull = false
  reason: Error | undefined
  drainFailure: Error | undefined
  #listener: (message: Uint8Array) => void = () => {}
  #closed: (reason?: Error) => void = () => {}
  #drains: (() => void)[] = []

  get buffered(): number {
    return this.isFull ? 1 : 0
  }

  send(...parts: Uint8Array[]): boolean {
    this.sent.push(new Uint8Array(parts.flatMap((part) => [...part])))
    return !this.isFull
  }

  drained(): Promise<void> {
    if (this.drainFailure !== undefined) return Promise.reject(this.drainFailure)
    return new Promise((resolve) => this.#drains.push(resolve))
  }

  drain(): void {
    this.isFull = false
    for (const resolve of this.#drains.splice(0)) resolve()
  }

  onMessage(listener: (message: Uint8Array) => void): void {
    this.#listener = listener
  }

  onClose(listener: (reason?: Error) => void): void {
    this.#closed = listener
  }

  close(): Promise<void> {
    this.end()
    return Promise.resolve()
  }

  abort(reason: Error): void {
    this.reason = reason
    this.end(reason)
  }

  end(reason?: Error): void {
    this.isOpen = false
    this.#closed(reason)
  }

  receive(message: Uint8Array): void {
    this.#listener(message)
  }

  /** What was sent since the last call, without credits. */
  takeMessages(): Uint8Array[] {
    return this.sent.splice(0).filter((message) => readCredit(message) === undefined)
  }

  takeCredits(): { received: number; granted: number }[] {
    return this.sent.splice(0).flatMap((message) => readCredit(message) ?? [])
  }
}

/** Messages whose first byte no credit has. */
const message = (size: number): Uint8Array => new Uint8Array(size).fill(9)

function open(options: CreditLinkOptions = {}) {
  const clock = new VirtualClock()
  const counters = new Counters()
  const stream = new ManualStream()
  const link = new CreditLink(stream, { clock, counters }, options)
  const grant = (received: number, granted: number): void => stream.receive(writeCredit(received, granted))
  return { clock, counters, stream, link, grant }
}

describe('the credit link, sending', () => {
  test('grants its window at once, and sends nothing before it was granted some', () => {
    const { stream, link, grant } = open({ window: 1_000 })
    expect(stream.takeCredits()).toEqual([{ received: 0, granted: 1_000 }])
    expect(link.send(message(10), message(20))).toBe(true)
    expect(stream.sent).toEqual([])
    expect(link.queued).toBe(30)
    grant(0, 100)
    expect(stream.takeMessages()).toEqual([message(30)])
    expect(link).toMatchObject({ queued: 0, sent: 30, acknowledged: 0, unacknowledged: 30, credit: 70, peer: 'peer' })
  })

  test('goes on with what waits as credit comes, and says what is acknowledged', () => {
    const { stream, link, grant } = open({ window: 1_000 })
    const acknowledged: number[] = []
    link.onAcknowledged((bytes) => acknowledged.push(bytes))
    grant(0, 100)
    for (let at = 0; at < 4; at += 1) link.send(message(60))
    expect(stream.takeMessages().length).toBe(1)
    grant(60, 160)
    expect(stream.takeMessages().length).toBe(1)
    grant(60, 180)
    expect(stream.takeMessages().length).toBe(1)
    grant(180, 280)
    expect(stream.takeMessages().length).toBe(1)
    expect(acknowledged).toEqual([60, 180])
    expect(link.unacknowledged).toBe(60)
  })

  test('refuses what has no room, and tells once when the queue is half empty', () => {
    const { stream, link, grant, counters } = open({ window: 1_000, queue: 100 })
    let writable = 0
    link.onWritable(() => writable++)
    for (let at = 0; at < 4; at += 1) expect(link.send(message(25))).toBe(true)
    expect(link.isWritable(1)).toBe(false)
    expect(link.isWritable(0)).toBe(true)
    expect(link.send(message(25))).toBe(false)
    expect(counters.get('link.full')).toBe(1)
    grant(0, 25)
    expect(writable).toBe(0)
    grant(25, 50)
    expect(writable).toBe(1)
    grant(50, 100)
    expect(writable).toBe(1)
    expect(stream.takeMessages().length).toBe(4)
  })

  test('takes one message larger than its queue, so that small queues block nobody', () => {
    const { link } = open({ window: 1_000, queue: 1 })
    expect(link.send(message(500))).toBe(true)
    expect(link.send(message(1))).toBe(false)
  })

  test('waits for the transport when its buffer is full', async () => {
    const { stream, link, grant } = open()
    grant(0, 10_000)
    stream.isFull = true
    link.send(message(1))
    link.send(message(2))
    grant(0, 20_000)
    expect(stream.takeMessages()).toEqual([message(1)])
    stream.drain()
    await Promise.resolve()
    expect(stream.takeMessages()).toEqual([message(2)])
  })

  test('ends when waiting for the transport fails', async () => {
    const { stream, link, grant } = open()
    grant(0, 10_000)
    stream.isFull = true
    stream.drainFailure = new Error('gone')
    link.send(message(1))
    await Promise.resolve()
    await Promise.resolve()
    expect(stream.reason).toBe(stream.drainFailure)
    expect(link.isOpen).toBe(false)
  })

  test('refuses a message above the window, its own before the first grant, then the other end’s', () => {
    const { link, grant } = open({ window: 100 })
    expect(() => link.send(message(101))).toThrow(expect.objectContaining({ code: 'ERR_EVENT_TOO_LARGE' }))
    grant(0, 50)
    expect(() => link.send(message(51))).toThrow(
      expect.objectContaining({ code: 'ERR_EVENT_TOO_LARGE', details: { size: 51, limit: 50 } }),
    )
    expect(link.send(message(50))).toBe(true)
  })

  test('ends when what waits can never be sent', () => {
    const { stream, link, grant, counters } = open({ window: 100 })
    link.send(message(80))
    grant(0, 50)
    expect(stream.reason).toMatchObject({ code: 'ERR_EVENT_TOO_LARGE' })
    expect(counters.get('link.window-too-small')).toBe(1)
    expect(counters.get('link.unsent-bytes')).toBe(80)
    expect(() => link.send(message(1))).toThrow(expect.objectContaining({ code: 'ERR_STREAM_CLOSED' }))
  })

  test('ends on credits that cannot be: beyond what was sent, or taken back', () => {
    for (const [received, granted] of [
      [11, 200],
      [4, 200],
      [5, 99],
    ] as const) {
      const { stream, link, grant, counters } = open()
      grant(0, 100)
      link.send(message(10))
      grant(5, 105)
      grant(received, granted)
      expect(stream.reason).toMatchObject({ code: 'ERR_FRAME_INVALID' })
      expect(counters.get('link.credit-invalid')).toBe(1)
    }
  })
})

describe('the credit link, receiving', () => {
  test('hands on messages without credits, and grants after a quarter of the window', () => {
    const { stream, link, grant } = open({ window: 400 })
    const got: number[] = []
    link.onMessage((each) => got.push(each.length))
    stream.sent.length = 0
    stream.receive(message(60))
    grant(0, 10)
    expect(stream.takeCredits()).toEqual([])
    stream.receive(message(40))
    expect(stream.takeCredits()).toEqual([{ received: 100, granted: 500 }])
    expect(got).toEqual([60, 40])
  })

  test('grants 20 ms after the first byte when little comes, once for all of it', async () => {
    const { stream, clock } = open({ window: 400 })
    stream.sent.length = 0
    stream.receive(message(1))
    await clock.advance(10)
    stream.receive(message(2))
    await clock.advance(9)
    expect(stream.sent).toEqual([])
    await clock.advance(1)
    expect(stream.takeCredits()).toEqual([{ received: 3, granted: 403 }])
    await clock.advance(100)
    expect(stream.sent).toEqual([])
  })

  test('ends a link whose other end sends more than it was granted', () => {
    const { stream, link, counters } = open({ window: 100 })
    const got: number[] = []
    link.onMessage((each) => got.push(each.length))
    stream.receive(message(101))
    expect(got).toEqual([])
    expect(stream.reason).toMatchObject({ code: 'ERR_FRAME_INVALID' })
    expect(counters.get('link.window-exceeded')).toBe(1)
  })
})

describe('the credit link, ending', () => {
  test('close lets what waits go first, then closes; nothing new is taken', async () => {
    const { stream, link, grant } = open()
    link.send(message(3))
    const closing = link.close()
    await link.close()
    expect(link.isOpen).toBe(false)
    expect(() => link.send(message(1))).toThrow(expect.objectContaining({ code: 'ERR_STREAM_CLOSED' }))
    expect(stream.isOpen).toBe(true)
    grant(0, 100)
    await closing
    expect(stream.takeMessages()).toEqual([message(3)])
    expect(stream.isOpen).toBe(false)
  })

  test('tells the owner of the end, counts what was not sent, and lets a closing owner go', async () => {
    const { stream, link, counters, clock } = open()
    const reasons: (Error | undefined)[] = []
    link.onClose((reason) => reasons.push(reason))
    link.send(message(3))
    stream.receive(message(1))
    const closing = link.close()
    const reason = new Error('lost')
    stream.end(reason)
    await closing
    expect(reasons).toEqual([reason])
    expect(counters.get('link.unsent-bytes')).toBe(3)
    expect(clock.pending).toBe(0)
    await link.close()
  })

  test('abort ends the stream with the reason', () => {
    const { stream, link } = open()
    const reason = new Error('enough')
    link.abort(reason)
    expect(stream.reason).toBe(reason)
    expect(link.isOpen).toBe(false)
  })
})

describe('the credit link, late', () => {
  test('a drain after the end and a grant that falls due then change nothing', async () => {
    const { stream, link, grant, clock } = open()
    grant(0, 1_000)
    stream.isFull = true
    link.send(message(1))
    link.send(message(2))
    stream.end()
    stream.drain()
    await clock.advance(100)
    expect(stream.takeMessages()).toEqual([message(1)])
    link.abort(new Error('again'))
    expect(link.queued).toBe(0)
  })

  test('a stream that closes without a word is granted nothing', async () => {
    const { stream, clock } = open()
    stream.takeCredits()
    stream.receive(message(1))
    stream.isOpen = false
    await clock.advance(100)
    expect(stream.sent).toEqual([])
  })

  test.each([
    ['an error', new Error('gone')],
    ['what is no error', 'gone'],
  ])(
    'a stream that breaks before it says so ends the link with %s: no writer, timer or drain throws',
    async (_what, fault) => {
      for (const act of ['send', 'grant', 'drain'] as const) {
        const { stream, link, grant, clock, counters } = open()
        grant(0, 1_000)
        if (act === 'drain') {
          stream.isFull = true
          link.send(message(10))
          link.send(message(10))
        } else if (act === 'grant') stream.receive(message(10))
        stream.send = () => {
          throw fault
        }
        if (act === 'send') expect(link.send(message(10))).toBe(true)
        stream.drain()
        await clock.advance(100)
        expect(link.isOpen).toBe(false)
        expect(String(stream.reason)).toBe('Error: gone')
        expect(counters.get('link.write-failed')).toBe(1)
      }
    },
  )

  test('what is no Error becomes one', async () => {
    const { stream, link, grant } = open()
    grant(0, 1_000)
    stream.isFull = true
    stream.drained = () => Promise.reject('gone')
    link.send(message(1))
    await Promise.resolve()
    await Promise.resolve()
    expect(stream.reason).toEqual(new Error('gone'))
  })
})

describe('laws of the credit link', () => {
  test('never exceeds what was granted, loses and reorders nothing, and never stands still for ever', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 64 }), { minLength: 1, maxLength: 80 })
    const steps = fc.infiniteStream(fc.record({ take: fc.integer({ min: 0, max: 5 }), isTold: fc.boolean() }))
    void fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 64, max: 300 }),
        fc.integer({ min: 1, max: 200 }),
        steps,
        (all, window, queue, moves) => {
          const { stream, link, grant } = open({ window: 64, queue })
          const arrived: Uint8Array[] = []
          let received = 0
          let granted = window
          let next = 0
          grant(0, granted)
          for (let round = 0; arrived.length < all.length; round += 1) {
            expect(round).toBeLessThan(20 * all.length + 100)
            while (next < all.length && link.send(new Uint8Array(all[next]!).fill(128 + (next % 100)))) next += 1
            expect(link.sent).toBeLessThanOrEqual(granted)
            const { take, isTold } = moves.next().value
            for (const each of stream.sent.splice(0)) {
              if (readCredit(each) !== undefined) continue
              arrived.push(each)
              received += each.length
            }
            expect(received).toBe(link.sent)
            // A receiver may grant late or less than it could, but in the end it grants.
            if (isTold || round % 5 === 4) granted = Math.max(granted, received + window - take)
            grant(isTold ? received : link.acknowledged, granted)
          }
          expect(arrived.map((each) => each.length)).toEqual(all)
          for (const [at, each] of arrived.entries()) expect(each.every((byte) => byte === 128 + (at % 100))).toBe(true)
        },
      ),
    )
  })
})
