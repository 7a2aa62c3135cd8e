import type { StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'

/** What is read of a yamux stream to decide about its window and to see it move; its types keep this private. */
interface YamuxWindow {
  state: number
  recvWindow: number
  recvWindowCapacity: number
  sendWindowUpdate(): void
  sendData(data: unknown): { readonly sentBytes: number }
}

/** `StreamState.Established` of @libp2p/yamux. */
const ESTABLISHED = 3

/**
 * Yamux that grants new window when half of it is used. As shipped it sends a window update for every frame received,
 * which costs more than the frame when messages are small. Streams are changed one by one, not the class.
 * @param window bytes in flight on one stream
 */
export function calmYamux(window: number): () => StreamMuxerFactory {
  const create = yamux({
    // The connection monitor already pings.
    enableKeepAlive: false,
    maxInboundStreams: 1_024,
    maxOutboundStreams: 1_024,
    maxEarlyStreams: 64,
    streamOptions: { initialStreamWindowSize: window, maxStreamWindowSize: window },
  })
  return () => {
    const factory = create()
    const createMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => {
      const muxer = createMuxer(connection)
      const createStream = muxer.createStream.bind(muxer)
      muxer.createStream = async (options) => calmed(await createStream(options))
      const onRemoteStream = muxer.onRemoteStream.bind(muxer)
      muxer.onRemoteStream = (stream) => onRemoteStream(calmed(stream))
      return muxer
    }
    return factory
  }
}

function calmed<T extends object>(stream: T): T {
  const view = stream as unknown as YamuxWindow
  const update = view.sendWindowUpdate.bind(stream)
  view.sendWindowUpdate = () => {
    if (view.state === ESTABLISHED && view.recvWindowCapacity * 2 > view.recvWindow) return
    update()
  }
  const send = view.sendData.bind(stream)
  view.sendData = (data) => {
    const result = send(data)
    sent.set(stream, (sent.get(stream) ?? 0) + result.sentBytes)
    return result
  }
  return stream
}

const sent = new WeakMap<object, number>()

/** Bytes that a stream has handed to its link: what it was given and still waits is not in it. */
export const sentOn = (stream: object): number => sent.get(stream) ?? 0
