import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type {
  ComponentLogger,
  ConnectionEncrypter,
  Logger,
  MultiaddrConnection,
  PeerId,
  StreamMuxerFactory,
  Upgrader,
} from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import type { TLSComponents } from '@libp2p/tls'
import { multiaddr } from '@multiformats/multiaddr'
import { socketTls } from '../../../../src/network/libp2p/socket-tls.ts'

/** One end's identity and its TLS. */
export interface End {
  readonly id: PeerId
  readonly encrypter: ConnectionEncrypter
}

export const MUXER: string = '/mux/1.0.0'
const muxer = { protocol: MUXER } as StreamMuxerFactory
const silent: Logger = Object.assign(() => {}, {
  trace: () => {},
  error: () => {},
  enabled: false,
  newScope: () => silent,
})
const logger: ComponentLogger = { forComponent: () => silent }

export async function end(
  seed: number,
  create: (components: TLSComponents) => ConnectionEncrypter = socketTls(),
  muxers: readonly string[] = [MUXER],
): Promise<End> {
  const privateKey = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed))
  const upgrader = { getStreamMuxers: () => new Map(muxers.map((name) => [name, muxer])) } as unknown as Upgrader
  return { id: peerIdFromPrivateKey(privateKey), encrypter: create({ privateKey, logger, upgrader }) }
}

/** Both ends of a TCP connection as libp2p's transport makes them. */
export async function connected(
  closers: (() => unknown)[],
  inactivityTimeout?: number,
): Promise<{ client: MultiaddrConnection; server: MultiaddrConnection }> {
  let accept: (connection: MultiaddrConnection) => void = () => {}
  const accepted = new Promise<MultiaddrConnection>((resolve) => {
    accept = resolve
  })
  const upgrader = {
    upgradeInbound: async (connection: MultiaddrConnection) => accept(connection),
    upgradeOutbound: async (connection: MultiaddrConnection) => connection,
    createInboundAbortSignal: (signal: AbortSignal) => Object.assign(signal, { clear: () => {} }),
    getConnectionEncrypters: () => new Map(),
    getStreamMuxers: () => new Map(),
  } as unknown as Upgrader
  const timeouts =
    inactivityTimeout === undefined
      ? {}
      : { inboundSocketInactivityTimeout: inactivityTimeout, outboundSocketInactivityTimeout: inactivityTimeout }
  const transport = tcp(timeouts)({ logger } as Parameters<ReturnType<typeof tcp>>[0])
  const listener = transport.createListener({ upgrader })
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
  closers.push(() => listener.close())
  const dialled = await transport.dial(listener.getAddrs()[0]!, { upgrader, signal: new AbortController().signal })
  const client = dialled as unknown as MultiaddrConnection
  const server = await accepted
  closers.push(() => {
    client.abort(new Error('end of test'))
    server.abort(new Error('end of test'))
  })
  return { client, server }
}
