import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { joiningWrites, joinWrites } from '../../../../src/network/libp2p/joined-writes.ts'

interface Fake {
  status: string
  writableNeedsDrain: boolean
  sent: Uint8Array[]
  closed: number
  send(data: Uint8Array): boolean
  close(): Promise<void>
}

const fakeStream = (socket?: object): Fake => ({
  status: 'open',
  writableNeedsDrain: false,
  sent: [],
  closed: 0,
  send(data) {
    this.sent.push(data)
    return true
  },
  close() {
    this.status = 'closing'
    this.closed = this.sent.length
    return Promise.resolve()
  },
  ...(socket === undefined ? {} : { socket }),
})

function joined(socket?: object) {
  const [fake, below] = [fakeStream(socket), fakeStream()]
  const clock = new VirtualClock()
  const connection = fake as unknown as MessageStream
  joinWrites(connection, below as unknown as MessageStream, clock)
  return { fake, connection, below, clock }
}

/** What a socket was told, a write as its length. */
function fakeSocket() {
  const told: (number | string)[] = []
  const socket = {
    writable: true,
    writableLength: 0,
    hasRoom: true,
    write(chunk: Uint8Array) {
      told.push(chunk.length)
      return socket.hasRoom
    },
    cork: () => void told.push('cork'),
    uncork: () => void told.push('uncork'),
    destroySoon: () => {
      told.push('end')
      socket.writable = false
    },
  }
  return { told, socket }
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

describe('joinWrites', () => {
  test('sends the small writes of the first task of a turn as one at its end, and the others at the end of the turn', async () => {
    const { fake, connection, clock } = joined()
    expect(connection.send(bytes(1))).toBe(true)
    connection.send(bytes(2))
    expect(fake.sent).toEqual([])
    await Promise.resolve()
    expect(fake.sent).toEqual([bytes(1, 2)])
    connection.send(bytes(3))
    await Promise.resolve()
    connection.send(bytes(4))
    expect(fake.sent).toHaveLength(1)
    await clock.advance(0)
    expect(fake.sent).toEqual([bytes(1, 2), bytes(3, 4)])
    connection.send(bytes(5))
    await Promise.resolve()
    expect(fake.sent.at(-1)).toEqual(bytes(5))
  })

  test('sends a large write at once, behind what waits before it, and does not copy it', () => {
    const { fake, connection } = joined()
    const large = new Uint8Array(5_000)
    connection.send(bytes(1))
    connection.send(bytes(2))
    connection.send(large)
    expect(fake.sent).toEqual([bytes(1, 2), large])
    expect(fake.sent[1]).toBe(large)
  })

  test('sends the headers in front of a large chunk, and what follows it, as one write each', () => {
    const { fake, connection } = joined()
    const chunks = [bytes(1), bytes(2), new Uint8Array(5_000), bytes(3)]
    const list = { byteLength: 5_003, [Symbol.iterator]: () => chunks[Symbol.iterator]() }
    connection.send(list as unknown as Uint8Array)
    expect(fake.sent.map((each) => each.length)).toEqual([2, 5_000, 1])
  })

  test('on a socket, headers and large chunks are one write, and a small one is no more than that', async () => {
    const { told, socket } = fakeSocket()
    const { connection, fake } = joined(socket)
    connection.send(bytes(1))
    connection.send(new Uint8Array(5_000))
    expect(told.splice(0)).toEqual(['cork', 1, 5_000, 'uncork'])
    connection.send(bytes(1))
    connection.send(bytes(2, 3))
    await Promise.resolve()
    expect(told).toEqual([3])
    expect(fake.sent).toEqual([])
  })

  test('while a socket is writing, large writes too wait for the end of the turn', async () => {
    const { told, socket } = fakeSocket()
    const { connection, clock } = joined(socket)
    await clock.advance(0)
    socket.writableLength = 1
    connection.send(new Uint8Array(5_000))
    connection.send(new Uint8Array(5_000))
    expect(told).toEqual([])
    await clock.advance(0)
    expect(told).toEqual(['cork', 5_000, 5_000, 'uncork'])
  })

  test('does not let the joined bytes grow beyond 64 KiB', () => {
    const { fake, connection } = joined()
    for (let at = 0; at < 17; at++) connection.send(new Uint8Array(4_096))
    expect(fake.sent.map((each) => each.length)).toEqual([16 * 4_096])
  })

  test('says that the connection is full, and that its socket is', () => {
    const { fake, connection } = joined()
    fake.writableNeedsDrain = true
    expect(connection.send(bytes(2))).toBe(false)
    expect(connection.send(new Uint8Array(5_000))).toBe(false)
    const { socket } = fakeSocket()
    const over = joined(socket)
    expect(over.connection.send(new Uint8Array(5_000))).toBe(true)
    socket.hasRoom = false
    expect(over.connection.send(new Uint8Array(5_000))).toBe(false)
    expect(over.connection.writableNeedsDrain).toBe(true)
  })

  test('sends what waits before it closes, and nothing after the connection has ended', async () => {
    const { fake, connection, clock } = joined()
    connection.send(bytes(1))
    await connection.close()
    expect(fake.closed).toBe(1)
    connection.send(bytes(3))
    fake.status = 'closed'
    await clock.advance(0)
    expect(fake.sent).toHaveLength(1)
  })

  test('what waits leaves before the connection below is closed, and nothing is written after that', async () => {
    const { fake, connection, below, clock } = joined()
    connection.send(bytes(1, 2))
    await below.close()
    expect(fake.sent).toEqual([bytes(1, 2)])
    expect(below.status).toBe('closing')
    connection.send(bytes(3))
    await clock.advance(0)
    expect(fake.sent).toEqual([bytes(1, 2)])
  })

  test('what waits leaves before its socket is ended, and nothing is written after that', async () => {
    const { told, socket } = fakeSocket()
    const { connection, clock } = joined(socket)
    connection.send(bytes(1, 2))
    socket.destroySoon()
    connection.send(bytes(3))
    await clock.advance(0)
    expect(told).toEqual([2, 'end'])
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
