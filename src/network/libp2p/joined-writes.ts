import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import type { Clock } from '../../core/clock.ts'

/** Writes up to this size are joined. A larger one is cheaper to hand over than to copy. */
const SMALL = 4 * 1024
/** Joined bytes that are handed over before the turn ends. */
const FULL = 32 * 1024

type Data = Parameters<MessageStream['send']>[0]

/** An encrypter whose connections join small writes: one record and one system call for a header and its few bytes. */
export function joiningWrites<C>(
  create: (components: C) => ConnectionEncrypter,
  clock: Clock,
): (components: C) => ConnectionEncrypter {
  return (components) => {
    const encrypter = create(components)
    const inbound = encrypter.secureInbound.bind(encrypter)
    const outbound = encrypter.secureOutbound.bind(encrypter)
    const joined = async (secured: Promise<SecuredConnection>): Promise<SecuredConnection> => {
      const result = await secured
      joinWrites(result.connection, clock)
      return result
    }
    encrypter.secureInbound = (connection, options) => joined(inbound(connection, options))
    encrypter.secureOutbound = (connection, options) => joined(outbound(connection, options))
    return encrypter
  }
}

/**
 * Makes the connection's `send` join small writes. The first one of a turn of the event loop goes at once, so that a lone
 * message loses no time; those that follow wait for the end of the turn.
 */
export function joinWrites(connection: MessageStream, clock: Clock): void {
  const send = connection.send.bind(connection)
  const close = connection.close.bind(connection)
  let waiting: Uint8Array[] = []
  let bytes = 0
  let sentThisTurn = false

  const flush = (): void => {
    if (bytes === 0) return
    const joined = waiting.length === 1 ? waiting[0]! : join(waiting, bytes)
    waiting = []
    bytes = 0
    // A connection that is closed meanwhile has told its streams so; what waits then has nowhere to go.
    if (connection.status === 'open') send(joined)
  }
  /** The headers in front of large chunks leave as one write, the chunks as they are. */
  const sendLarge = (data: Data): boolean => {
    let more = true
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      if (chunk.length <= SMALL) {
        waiting.push(chunk)
        bytes += chunk.length
        continue
      }
      flush()
      more = send(chunk)
    }
    flush()
    return more && !connection.writableNeedsDrain
  }
  const endTurn = (): void => {
    sentThisTurn = false
    flush()
  }

  connection.send = (data: Data): boolean => {
    if (data.byteLength > SMALL) return sendLarge(data)
    const flat = data.subarray()
    if (sentThisTurn) {
      waiting.push(flat)
      bytes += flat.length
      if (bytes >= FULL) flush()
      return !connection.writableNeedsDrain
    }
    sentThisTurn = true
    clock.endOfTurn(endTurn)
    return send(flat)
  }
  connection.close = (options) => {
    flush()
    return close(options)
  }
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
