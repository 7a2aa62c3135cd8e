import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { joiningWrites, joinWrites } from '../../../../src/network/libp2p/joined-writes.ts'

interface Fake {
  status: string
  writableNeedsDrain: boolean
  more: boolean
  sent: Uint8Array[]
  closed: number
  send(data: Uint8Array): boolean
  close(): Promise<void>
}

function joined(): { fake: Fake; connection: MessageStream; clock: VirtualClock } {
  const fake: Fake = {
    status: 'open',
    writableNeedsDrain: false,
    more: true,
    sent: [],
    closed: 0,
    send(data) {
      this.sent.push(data)
      return this.more
    },
    close() {
      this.closed = this.sent.length
      return Promise.resolve()
    },
  }
  const clock = new VirtualClock()
  const connection = fake as unknown as MessageStream
  joinWrites(connection, clock)
  return { fake, connection, clock }
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

describe('joinWrites', () => {
  test('sends the first small write of a turn at once and the others as one at its end', async () => {
    const { fake, connection, clock } = joined()
    expect(connection.send(bytes(1))).toBe(true)
    connection.send(bytes(2))
    connection.send(bytes(3, 4))
    expect(fake.sent).toEqual([bytes(1)])
    await clock.advance(0)
    expect(fake.sent).toEqual([bytes(1), bytes(2, 3, 4)])
    connection.send(bytes(5))
    expect(fake.sent.at(-1)).toEqual(bytes(5))
    connection.send(bytes(6))
    await clock.advance(0)
    expect(fake.sent.at(-1)).toEqual(bytes(6))
    await clock.advance(0)
    expect(fake.sent).toHaveLength(4)
  })

  test('keeps the order before a large write, whose bytes are not copied', () => {
    const { fake, connection } = joined()
    const large = new Uint8Array(5_000)
    connection.send(bytes(1))
    connection.send(bytes(2))
    connection.send(large)
    expect(fake.sent).toEqual([bytes(1), bytes(2), large])
    expect(fake.sent[2]).toBe(large)
  })

  test('sends the headers in front of a large chunk, and what follows it, as one write each', () => {
    const { fake, connection } = joined()
    const chunks = [bytes(1), bytes(2), new Uint8Array(5_000), bytes(3)]
    const list = { byteLength: 5_003, [Symbol.iterator]: () => chunks[Symbol.iterator]() }
    connection.send(list as unknown as Uint8Array)
    expect(fake.sent.map((each) => each.length)).toEqual([2, 5_000, 1])
  })

  test('does not let the joined bytes grow beyond 32 KiB', () => {
    const { fake, connection } = joined()
    for (let at = 0; at < 9; at++) connection.send(new Uint8Array(4_096))
    expect(fake.sent.map((each) => each.length)).toEqual([4_096, 8 * 4_096])
  })

  test('says that the connection is full: of its own writes and of those that wait', () => {
    const { fake, connection } = joined()
    fake.more = false
    expect(connection.send(bytes(1))).toBe(false)
    fake.writableNeedsDrain = true
    expect(connection.send(bytes(2))).toBe(false)
    expect(connection.send(new Uint8Array(5_000))).toBe(false)
  })

  test('sends what waits before it closes, and nothing after the connection has ended', async () => {
    const { fake, connection, clock } = joined()
    connection.send(bytes(1))
    connection.send(bytes(2))
    await connection.close()
    expect(fake.closed).toBe(2)
    connection.send(bytes(3))
    fake.status = 'closed'
    await clock.advance(0)
    expect(fake.sent).toHaveLength(2)
  })
})

test('joiningWrites changes the connections of both directions', async () => {
  const { fake, clock } = joined()
  const secure = () => Promise.resolve({ connection: { ...fake } })
  const encrypter = {
    protocol: '/x',
    secureInbound: secure,
    secureOutbound: secure,
  } as unknown as ConnectionEncrypter
  const joining = joiningWrites(() => encrypter, clock)({})
  for (const joined of [joining.secureInbound, joining.secureOutbound]) {
    const { connection } = await joined(fake as unknown as MessageStream)
    expect(connection.send).not.toBe(fake.send)
  }
})
