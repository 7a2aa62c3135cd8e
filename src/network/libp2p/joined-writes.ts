import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import type { Clock } from '../../core/clock.ts'

/** Chunks up to this size are joined by copying. A larger one is cheaper to hand over than to copy. */
const SMALL = 4 * 1024
/** Bytes that are handed over before the task or the turn ends. */
const FULL = 64 * 1024

type Data = Parameters<MessageStream['send']>[0]

/** What is asked of the socket of Node's that a connection may be over: writes between the two calls become one. */
interface Corkable {
  /** Bytes not through yet. */
  readonly writableLength: number
  /** False once it was ended. */
  readonly writable: boolean
  write(chunk: Uint8Array): boolean
  destroySoon(): void
  cork(): void
  uncork(): void
}

/** An encrypter whose connections join writes: one record and one system call for headers and the bytes behind them. */
export function joiningWrites<C>(
  create: (components: C) => ConnectionEncrypter,
  clock: Clock,
): (components: C) => ConnectionEncrypter {
  return (components) => {
    const encrypter = create(components)
    const inbound = encrypter.secureInbound.bind(encrypter)
    const outbound = encrypter.secureOutbound.bind(encrypter)
    const joined = async (below: MessageStream, secured: Promise<SecuredConnection>): Promise<SecuredConnection> => {
      const result = await secured
      joinWrites(result.connection, below, clock)
      return result
    }
    encrypter.secureInbound = (connection, options) => joined(connection, inbound(connection, options))
    encrypter.secureOutbound = (connection, options) => joined(connection, outbound(connection, options))
    return encrypter
  }
}

/**
 * Makes the connection's `send` join writes. Those of the first task of a turn of the event loop leave at the end of that
 * task, so that a lone message loses no time; those that follow wait for the end of the turn. Without this each header
 * is a record and a system call of its own, and what it announces waits for the next turn, since Node's TLS takes the
 * next write when the one before is through.
 * @param below the connection that was secured, which libp2p closes without a word to the one above: what waits has to
 * leave before that, and writing afterwards throws, where nobody would catch it
 */
export function joinWrites(connection: MessageStream, below: MessageStream, clock: Clock): void {
  const socket = 'socket' in connection ? (connection.socket as Corkable) : undefined
  const write = socket === undefined ? connection.send.bind(connection) : past(connection, socket)
  const close = connection.close.bind(connection)
  let waiting: Uint8Array[] = []
  let bytes = 0
  let isScheduled = false

  const isOver = (): boolean => (socket === undefined ? below.status !== 'open' : !socket.writable)
  const flush = (): void => {
    if (bytes === 0) return
    const chunks = waiting
    waiting = []
    bytes = 0
    // A connection that is closed meanwhile has told its streams so; what waits then has nowhere to go.
    if (connection.status !== 'open' || isOver()) return
    const first = endOfSmall(chunks, 0)
    if (first === chunks.length) {
      write(join(chunks, 0, first))
      return
    }
    socket?.cork()
    for (let at = 0, end = first; at < chunks.length; end = endOfSmall(chunks, at)) {
      write(end > at ? join(chunks, at, end) : chunks[at]!)
      at = Math.max(end, at + 1)
    }
    socket?.uncork()
  }
  const endTurn = (): void => {
    isScheduled = false
    flush()
  }

  connection.send = (data: Data): boolean => {
    if (data instanceof Uint8Array) waiting.push(data)
    else for (const chunk of data) waiting.push(chunk)
    bytes += data.byteLength
    // What is large is the end of something: the other end can begin with it.
    if (bytes >= FULL || (data.byteLength > SMALL && !(socket !== undefined && socket.writableLength > 0))) flush()
    else if (!isScheduled) {
      isScheduled = true
      clock.endOfTask(flush)
      clock.endOfTurn(endTurn)
    }
    return !connection.writableNeedsDrain
  }
  connection.close = (options) => {
    flush()
    return close(options)
  }
  if (socket === undefined) {
    const closeBelow = below.close.bind(below)
    below.close = (options) => {
      flush()
      return closeBelow(options)
    }
    return
  }
  // With TLS that works on the socket itself, the socket is what lies below.
  const destroySoon = socket.destroySoon.bind(socket)
  socket.destroySoon = () => {
    flush()
    destroySoon()
  }
}

/** Writes to the socket itself: the connection's own way there keeps lists and tells of each write. */
function past(connection: MessageStream, socket: Corkable): (chunk: Uint8Array) => void {
  return (chunk) => {
    // The connection takes it back when the socket has drained.
    if (!socket.write(chunk)) connection.writableNeedsDrain = true
  }
}

/** Where the row of small chunks ends that begins at `from`. */
function endOfSmall(chunks: readonly Uint8Array[], from: number): number {
  let end = from
  while (end < chunks.length && chunks[end]!.length <= SMALL) end++
  return end
}

function join(chunks: readonly Uint8Array[], from: number, end: number): Uint8Array {
  if (end - from === 1) return chunks[from]!
  let length = 0
  for (let at = from; at < end; at++) length += chunks[at]!.length
  const joined = new Uint8Array(length)
  let to = 0
  for (let at = from; at < end; at++) {
    joined.set(chunks[at]!, to)
    to += chunks[at]!.length
  }
  return joined
}
