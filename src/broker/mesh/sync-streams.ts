import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import { closeBy } from '../../network/close-by.ts'
import type { MessageStream, Network } from '../../network/network.ts'
import { decodeSync, encodeSync, SYNC_MESSAGE_LIMIT, type SyncMessage } from './sync-messages.ts'

export const SYNC_PROTOCOL = '/amcp/sync/1'

/** Bytes that may wait for one peer; what comes on top is dropped and counted, since it is asked for again. */
const MAX_BUFFERED = 4_194_304
/** That one peer may have open: one, and others that are still closing. */
const STREAM_LIMIT = 4
/** Messages that may wait for a stream to open. */
const MAX_WAITING = 64

interface Peer {
  stream: MessageStream | undefined
  waiting: Uint8Array[]
  isOpening: boolean
}

/** One stream to each peer that something was asked of or pushed to. */
export class SyncStreams {
  readonly #ports: Ports
  readonly #network: Pick<Network, 'streams'>
  readonly #onMessage: (peer: ContextId, message: SyncMessage) => void
  readonly #peers = new Map<ContextId, Peer>()
  #isStopped = false

  constructor(
    { ports, network }: { ports: Ports; network: Pick<Network, 'streams'> },
    onMessage: (peer: ContextId, message: SyncMessage) => void,
  ) {
    this.#ports = ports
    this.#network = network
    this.#onMessage = onMessage
    const limits = { messageLimit: SYNC_MESSAGE_LIMIT, streamLimit: STREAM_LIMIT }
    network.streams.handle(SYNC_PROTOCOL, (stream) => this.#accept(stream), limits)
  }

  send(peer: ContextId, message: SyncMessage): void {
    if (this.#isStopped) return
    const entry = this.#entry(peer)
    const bytes = encodeSync(message)
    if (entry.stream?.isOpen) this.#write(entry.stream, bytes)
    else if (entry.waiting.length >= MAX_WAITING) this.#ports.counters.add('broker.sync-dropped')
    else {
      entry.waiting.push(bytes)
      if (!entry.isOpening) void this.#open(peer, entry)
    }
  }

  /** @param by reading of the clock at which what does not close is broken off */
  async stop(by: number): Promise<void> {
    this.#isStopped = true
    const streams = [...this.#peers.values()].flatMap(({ stream }) => stream ?? [])
    this.#peers.clear()
    await Promise.all(streams.map((stream) => closeBy(this.#ports, by, stream)))
  }

  #entry(peer: ContextId): Peer {
    let entry = this.#peers.get(peer)
    if (entry === undefined) {
      entry = { stream: undefined, waiting: [], isOpening: false }
      this.#peers.set(peer, entry)
    }
    return entry
  }

  async #open(peer: ContextId, entry: Peer): Promise<void> {
    entry.isOpening = true
    try {
      const stream = await this.#network.streams.open(peer, SYNC_PROTOCOL)
      this.#listen(stream)
      if (this.#isStopped) stream.abort(stopped())
      else {
        entry.stream = stream
        for (const bytes of entry.waiting.splice(0)) this.#write(stream, bytes)
      }
    } catch (error) {
      this.#ports.counters.add('broker.sync-failed')
      this.#ports.logger.debug({ peer, error: String(error) }, 'no sync stream')
      this.#peers.delete(peer)
    } finally {
      entry.isOpening = false
    }
  }

  #accept(stream: MessageStream): void {
    if (this.#isStopped) {
      stream.abort(stopped())
      return
    }
    this.#listen(stream)
    const entry = this.#entry(stream.peer)
    entry.stream ??= stream
  }

  #listen(stream: MessageStream): void {
    const { peer } = stream
    stream.onMessage((bytes) => this.#take(stream, bytes))
    stream.onClose(() => {
      if (this.#peers.get(peer)?.stream === stream) this.#peers.delete(peer)
    })
  }

  #take(stream: MessageStream, bytes: Uint8Array): void {
    let message: SyncMessage
    try {
      message = decodeSync(bytes)
    } catch (error) {
      this.#ports.counters.add('broker.sync-invalid')
      stream.abort(error as AmcpError)
      return
    }
    this.#onMessage(stream.peer, message)
  }

  #write(stream: MessageStream, bytes: Uint8Array): void {
    if (!stream.isOpen || stream.buffered > MAX_BUFFERED) {
      this.#ports.counters.add('broker.sync-dropped')
      return
    }
    try {
      stream.send(bytes)
    } catch (error) {
      // It broke before it said so.
      this.#ports.counters.add('broker.sync-failed')
      stream.abort(error as Error)
    }
  }
}

const stopped = (): AmcpError => new AmcpError('ERR_STOPPED', 'the broker is stopped')
