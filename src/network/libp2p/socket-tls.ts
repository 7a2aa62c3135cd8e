import type { Socket } from 'node:net'
import { connect, TLSSocket, type TLSSocketOptions } from 'node:tls'
import type {
  ConnectionEncrypter,
  MessageStream,
  SecureConnectionOptions,
  SecuredConnection,
  StreamMuxerFactory,
} from '@libp2p/interface'
import { type TLSComponents, tls } from '@libp2p/tls'
import { generateCertificate, toMessageStream, verifyPeerCertificate } from '@libp2p/tls/utils'
import { AmcpError } from '../../core/errors.ts'

/** What ALPN names when no muxer is chosen by it. */
const NO_MUXER = 'libp2p'

/** A connection of @libp2p/tcp, as far as it is looked at; its types keep the socket private. */
interface OverSocket extends MessageStream {
  readonly socket: Socket
  readonly readBuffer: { readonly byteLength: number; subarray(): Uint8Array; consume(bytes: number): void }
}

/**
 * libp2p's TLS, the same on the wire and in what it verifies, that works on the TCP socket itself. As shipped it works
 * on a stream around the connection around the socket, which costs a dozen calls in JavaScript for each write and each
 * read. Connections without a socket of their own are left to what is shipped.
 * @see https://github.com/libp2p/specs/blob/master/tls/tls.md
 */
export function socketTls(): (components: TLSComponents) => ConnectionEncrypter {
  const create = tls()
  return (components) => {
    const encrypter = create(components)
    const inbound = encrypter.secureInbound.bind(encrypter)
    const outbound = encrypter.secureOutbound.bind(encrypter)
    encrypter.secureInbound = (connection, options) =>
      isOverSocket(connection) ? secure(components, connection, true, options) : inbound(connection, options)
    encrypter.secureOutbound = (connection, options) =>
      isOverSocket(connection) ? secure(components, connection, false, options) : outbound(connection, options)
    return encrypter
  }
}

const isOverSocket = (connection: MessageStream): connection is OverSocket =>
  'socket' in connection && 'readBuffer' in connection

async function secure(
  components: TLSComponents,
  connection: OverSocket,
  isServer: boolean,
  options: SecureConnectionOptions = {},
): Promise<SecuredConnection> {
  const certificate = await generateCertificate(components.privateKey, options)
  options.signal?.throwIfAborted()
  checkOpen(connection)
  const known = options.skipStreamMuxerNegotiation ? undefined : components.upgrader.getStreamMuxers()
  const socket = overSocket(connection, isServer, {
    ...certificate,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    // Certificates are self-signed: what counts is the key that signed their extension, checked below.
    rejectUnauthorized: false,
    requestCert: true,
    ALPNProtocols: [...(known?.keys() ?? []), NO_MUXER],
  })
  try {
    await handshake(socket, options.signal)
    const remotePeer = await verifyPeerCertificate(
      socket.getPeerCertificate().raw,
      options.remotePeer,
      components.logger.forComponent('libp2p:tls'),
    )
    checkOpen(connection)
    const muxer = known === undefined ? undefined : chosen(known, socket)
    const secured = { remotePeer, connection: toMessageStream(connection, socket) }
    return muxer === undefined ? secured : { ...secured, streamMuxer: muxer }
  } catch (error) {
    socket.destroy()
    connection.abort(error as Error)
    throw error
  }
}

/** Takes the socket away from the connection, which goes on looking after its end, and gives it to TLS. */
function overSocket(connection: OverSocket, isServer: boolean, options: TLSSocketOptions): TLSSocket {
  const { socket: plain, readBuffer } = connection
  plain.pause()
  plain.removeAllListeners('data')
  // The first bytes of the handshake may have come already: TLS finds them in the socket's own buffer.
  if (readBuffer.byteLength > 0) {
    plain.unshift(readBuffer.subarray())
    readBuffer.consume(readBuffer.byteLength)
  }
  const socket = isServer
    ? new TLSSocket(plain, { ...options, isServer: true })
    : connect({ ...(options as object), socket: plain })
  // TLS writes to the plain socket's handle, so it has to let go of it first: the other way round, above all with a
  // reset, Node touches freed memory. Destroying the one destroys the other.
  plain.resetAndDestroy = () => {
    socket.destroy()
    return plain
  }
  plain.destroySoon = () => socket.destroySoon()
  socket.on('error', (error) => connection.abort(error))
  return socket
}

function handshake(socket: TLSSocket, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      signal?.removeEventListener('abort', onAbort)
      socket.removeListener('error', onError)
      socket.removeListener('close', onClose)
    }
    const onError = (error: Error): void => {
      done()
      reject(error)
    }
    const onAbort = (): void => onError(signal?.reason as Error)
    const onClose = (): void => onError(ended())
    signal?.addEventListener('abort', onAbort)
    socket.once('error', onError)
    socket.once('close', onClose)
    socket.once('secure', () => {
      done()
      resolve()
    })
  })
}

/** What ends meanwhile tells nobody who begins to listen afterwards. */
function checkOpen({ status }: MessageStream): void {
  if (status !== 'open') throw ended()
}

const ended = (): AmcpError =>
  new AmcpError('ERR_STREAM_CLOSED', 'the connection ended during the handshake', { retryable: true })

function chosen(muxers: ReadonlyMap<string, StreamMuxerFactory>, socket: TLSSocket): StreamMuxerFactory | undefined {
  const name = socket.alpnProtocol
  return typeof name === 'string' ? muxers.get(name) : undefined
}
