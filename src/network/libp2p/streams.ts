import type { Connection, Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { deadline } from '../../core/deadline.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import type { HandleOptions, MessageStream, Streams } from '../network.ts'
import type { AdmissionGate } from './admission-gate.ts'
import { MESSAGE_LIMIT } from './length-prefix.ts'
import { Libp2pMessageStream } from './message-stream.ts'

const STREAMS_PER_PEER = 256

interface Handler {
  readonly handle: (stream: MessageStream) => void
  readonly beforeAdmission: boolean
  readonly messageLimit: number
  readonly streamLimit: number
}

export interface StreamsOptions {
  readonly ports: Ports
  readonly gate: AdmissionGate
  /** An open connection to the peer, if there is one. */
  connectionOf(peer: ContextId): Connection | undefined
  /** ms. */
  readonly openTimeout: number
}

/**
 * The Streams port. The answering end's first message is empty and says "served": libp2p's negotiation knows protocols
 * only, while here the answer depends on the peer too.
 */
export class Libp2pStreams implements Streams {
  readonly #options: StreamsOptions
  readonly #handlers = new Map<string, Handler>()
  /** How many streams are open to us, by protocol and peer. */
  readonly #open = new Map<string, number>()
  #node: Libp2p | undefined

  constructor(options: StreamsOptions) {
    this.#options = options
  }

  async attach(node: Libp2p): Promise<void> {
    this.#node = node
    for (const protocol of this.#handlers.keys()) await this.#register(node, protocol)
  }

  detach(): void {
    this.#node = undefined
  }

  handle(
    protocol: string,
    handle: (stream: MessageStream) => void,
    { beforeAdmission = false, messageLimit = MESSAGE_LIMIT, streamLimit = STREAMS_PER_PEER }: HandleOptions = {},
  ): void {
    const isNew = !this.#handlers.has(protocol)
    this.#handlers.set(protocol, { handle, beforeAdmission, messageLimit, streamLimit })
    if (this.#node === undefined || !isNew) return
    this.#register(this.#node, protocol).catch((error: unknown) => {
      this.#options.ports.logger.error({ protocol, error: String(error) }, 'a protocol could not be served')
      this.#options.ports.counters.add('network.streams.unserved')
    })
  }

  async open(
    peer: ContextId,
    protocol: string,
    { signal, beforeAdmission = false }: { signal?: AbortSignal; beforeAdmission?: boolean } = {},
  ): Promise<MessageStream> {
    signal?.throwIfAborted()
    const { ports, gate, connectionOf, openTimeout } = this.#options
    const connection = connectionOf(peer)
    if (connection === undefined) throw new AmcpError('ERR_NOT_CONNECTED', `no link to ${peer}`, { retryable: true })
    if (!beforeAdmission && !gate.isAdmitted(peer)) throw refused(peer, protocol, 'is not admitted here yet')
    using limit = deadline(ports.clock, openTimeout, { signal })
    try {
      const raw = await connection.newStream(protocol, {
        signal: limit.signal,
        maxOutboundStreams: STREAMS_PER_PEER,
      })
      const stream = new Libp2pMessageStream(raw, peer, protocol, ports, this.#handlers.get(protocol)?.messageLimit)
      await served(stream, limit.signal)
      return stream
    } catch (cause) {
      signal?.throwIfAborted()
      if (connection.status !== 'open')
        throw new AmcpError('ERR_NOT_CONNECTED', `the link to ${peer} ended`, { cause, retryable: true })
      throw refused(peer, protocol, 'does not serve it to us', cause)
    }
  }

  #closed(served: string): void {
    const left = (this.#open.get(served) ?? 1) - 1
    if (left === 0) this.#open.delete(served)
    else this.#open.set(served, left)
  }

  async #register(node: Libp2p, protocol: string): Promise<void> {
    const serve = (raw: Stream, connection: Connection): void => this.#serve(protocol, raw, connection)
    await node.handle(protocol, serve, { maxInboundStreams: STREAMS_PER_PEER, maxOutboundStreams: STREAMS_PER_PEER })
  }

  #serve(protocol: string, raw: Stream, connection: Connection): void {
    const { ports, gate } = this.#options
    const peer = connection.remotePeer.toString()
    const handler = this.#handlers.get(protocol)!
    if (!handler.beforeAdmission && !gate.isAdmitted(peer)) {
      ports.counters.add('network.streams.refused')
      raw.abort(refused(peer, protocol, 'is not admitted here yet'))
      return
    }
    const served = `${protocol} ${peer}`
    const open = this.#open.get(served) ?? 0
    if (open >= handler.streamLimit) {
      ports.counters.add('network.streams.too-many')
      raw.abort(refused(peer, protocol, 'has too many streams open'))
      return
    }
    const stream = new Libp2pMessageStream(raw, peer, protocol, ports, handler.messageLimit)
    if (!stream.isOpen) return
    this.#open.set(served, open + 1)
    raw.addEventListener('close', () => this.#closed(served), { once: true })
    try {
      stream.send()
      handler.handle(stream)
    } catch (error) {
      ports.counters.add('network.streams.handler-failed')
      ports.logger.error({ peer, protocol, error: String(error) }, 'the handler of a stream threw')
      stream.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

/** Resolves at the first message, which is empty, and leaves the later ones for the stream's user. */
function served(stream: Libp2pMessageStream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => stream.abort(new AmcpError('ERR_STREAM_CLOSED', 'given up', { cause: signal.reason }))
    signal.addEventListener('abort', onAbort, { once: true })
    stream.onFirst(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
    stream.onClose((reason) => {
      signal.removeEventListener('abort', onAbort)
      reject(reason ?? new Error('closed'))
    })
  })
}

function refused(peer: ContextId, protocol: string, why: string, cause?: unknown): AmcpError {
  const details = { peer, protocol }
  return new AmcpError('ERR_PROTOCOL_REFUSED', `${protocol}: ${peer} ${why}`, { details, cause, retryable: true })
}
