import type { StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import type { Counters } from '../../core/counters.ts'
import { AmcpError } from '../../core/errors.ts'

/** What is read of a yamux stream to decide about its window and to see it move; its types keep this private. */
interface YamuxWindow {
  state: number
  recvWindow: number
  recvWindowCapacity: number
  sendWindowUpdate(): void
  sendData(data: unknown): { readonly sentBytes: number }
}

/** Where yamux gathers the bytes of a frame until all are there; its types keep this private. */
interface YamuxDecoder {
  readonly buffer: { readonly byteLength: number; getUint32(offset: number): number }
  readFrame(): object | undefined
}

const HEADER_LENGTH = 12
/** Where in the header the length stands. */
const LENGTH_AT = 8

/** `StreamState.Established` of @libp2p/yamux. */
const ESTABLISHED = 3

/**
 * Yamux that grants new window when half of it is used. As shipped it sends a window update for every frame received,
 * which costs more than the frame when messages are small. Streams are changed one by one, not the class.
 * A frame that announces more than any window grants ends its connection before it is gathered.
 * @param window bytes in flight on one stream
 */
export function calmYamux(window: number, counters: Counters): () => StreamMuxerFactory {
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
      bound((muxer as unknown as { decoder: YamuxDecoder }).decoder, window, counters)
      const createStream = muxer.createStream.bind(muxer)
      muxer.createStream = async (options) => calmed(await createStream(options))
      const onRemoteStream = muxer.onRemoteStream.bind(muxer)
      muxer.onRemoteStream = (stream) => onRemoteStream(calmed(stream))
      return muxer
    }
    return factory
  }
}

/**
 * As shipped a frame of 4 GiB is gathered until it is whole, and only then compared with the window. No honest end sends more
 * than its window in a frame, which at the start is the same at both ends, or the 256 KiB of the specification.
 */
function bound(decoder: YamuxDecoder, window: number, counters: Counters): void {
  const read = decoder.readFrame.bind(decoder)
  decoder.readFrame = () => {
    const frame = read()
    // Only data is waited for: other frames are their header.
    if (frame !== undefined || decoder.buffer.byteLength < HEADER_LENGTH) return frame
    const announced = decoder.buffer.getUint32(LENGTH_AT)
    if (announced <= window) return undefined
    counters.add('network.frames.oversized')
    throw new AmcpError('ERR_FRAME_INVALID', `a frame announces ${announced} bytes, ${window} are granted at most`)
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
