import type { Counters } from '../../core/counters.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import { withDeadline } from '../../core/with-deadline.ts'
import type { HandleOptions, MessageStream, Streams } from '../network.ts'
import type { Environment } from './conditions.ts'
import type { LinkEnd, StreamHalf } from './link-end.ts'
import { MAX_MESSAGE, SimulatedStream } from './stream.ts'

const CONTROL = 64
const STREAMS_PER_PEER = 256

interface Handler {
  readonly handle: (stream: MessageStream) => void
  readonly beforeAdmission: boolean
  readonly messageLimit: number
  readonly streamLimit: number
}

export interface StreamsComponents {
  readonly environment: Environment
  readonly counters: Counters
  /** The link to a peer that is up. */
  linkTo(peer: ContextId): LinkEnd | undefined
}

export class SimulatedStreams implements Streams {
  readonly #components: StreamsComponents
  readonly #handlers = new Map<string, Handler>()

  constructor(components: StreamsComponents) {
    this.#components = components
  }

  handle(
    protocol: string,
    handle: (stream: MessageStream) => void,
    { beforeAdmission = false, messageLimit = MAX_MESSAGE, streamLimit = STREAMS_PER_PEER }: HandleOptions = {},
  ): void {
    this.#handlers.set(protocol, { handle, beforeAdmission, messageLimit, streamLimit })
  }

  async open(
    peer: ContextId,
    protocol: string,
    { signal, beforeAdmission = false }: { signal?: AbortSignal; beforeAdmission?: boolean } = {},
  ): Promise<MessageStream> {
    signal?.throwIfAborted()
    const { environment, linkTo } = this.#components
    const end = linkTo(peer)
    if (end === undefined) throw new AmcpError('ERR_NOT_CONNECTED', `no link to ${peer}`, { retryable: true })
    if (!beforeAdmission && !end.isAdmitted) throw refused(peer, protocol, 'is not admitted here yet')
    const messageLimit = this.#handlers.get(protocol)?.messageLimit ?? MAX_MESSAGE
    const stream = new SimulatedStream(environment, end, protocol, { messageLimit })
    const answered = this.#ask(end, stream)
    const late = (): AmcpError => refused(peer, protocol, 'did not answer')
    try {
      const isServed = await withDeadline(environment.clock, environment.conditions.dialTimeout, answered, late, {
        signal,
      })
      if (!isServed) throw refused(peer, protocol, 'does not serve it to us')
    } catch (fault) {
      stream.abort(fault as Error)
      throw fault
    }
    return stream
  }

  /** What the other end opens: tells it through `answered`, on arrival there, whether it is served. */
  answer(end: LinkEnd, protocol: string, opener: StreamHalf, answered: (isServed: boolean) => void): void {
    const handler = this.#handlers.get(protocol)
    const isServed = handler !== undefined && (handler.beforeAdmission || end.isAdmitted)
    if (!isServed || servedOn(end, protocol) >= handler.streamLimit) {
      this.#components.counters.add(isServed ? 'network.streams.too-many' : 'network.streams.refused')
      end.transmit(CONTROL, () => answered(false))
      return
    }
    const { messageLimit } = handler
    const stream = new SimulatedStream(this.#components.environment, end, protocol, { messageLimit, other: opener })
    // From now on whatever the opener sends finds this half, also that it has given up before the answer came.
    opener.join(stream)
    // The answer goes first, so that the opener has its stream before a message on it.
    end.transmit(CONTROL, () => answered(true))
    handler.handle(stream)
  }

  #ask(end: LinkEnd, stream: SimulatedStream): Promise<boolean> {
    return new Promise((resolve, reject) => {
      stream.onClose((reason) => {
        const message = `the link to ${end.peer} ended`
        reject(new AmcpError('ERR_NOT_CONNECTED', message, { cause: reason, retryable: true }))
      })
      end.transmit(CONTROL + stream.protocol.length, (there) => {
        there.owner.answerStream(there, stream.protocol, stream, resolve)
      })
    })
  }
}

/** Streams of the protocol that the other end has opened. */
function servedOn(end: LinkEnd, protocol: string): number {
  let count = 0
  for (const stream of end.streams)
    if (stream instanceof SimulatedStream && stream.isServed && stream.protocol === protocol) count += 1
  return count
}

function refused(peer: ContextId, protocol: string, why: string): AmcpError {
  const details = { peer, protocol }
  return new AmcpError('ERR_PROTOCOL_REFUSED', `${protocol}: ${peer} ${why}`, { details, retryable: true })
}
