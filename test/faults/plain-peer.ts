import { noise } from '@chainsafe/libp2p-noise'
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'

export interface PlainPeer extends AsyncDisposable {
  readonly node: Libp2p
  /** What lies below the streams of each connection, in the order in which they were made: whatever is sent there is a frame. */
  readonly wires: readonly MessageStream[]
}

/** A peer out of libp2p's own parts, with none of ours: somebody hostile keeps to no bound of ours. */
export async function plainPeer(): Promise<PlainPeer> {
  const wires: MessageStream[] = []
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      (): StreamMuxerFactory => {
        const factory = yamux({ enableKeepAlive: false })()
        const create = factory.createStreamMuxer.bind(factory)
        factory.createStreamMuxer = (wire) => {
          wires.push(wire)
          return create(wire)
        }
        return factory
      },
    ],
    connectionMonitor: { enabled: false },
  })
  return { node, wires, [Symbol.asyncDispose]: () => Promise.resolve(node.stop()) }
}
