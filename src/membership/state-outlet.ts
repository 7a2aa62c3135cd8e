import { AmcpError } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import type { MessageStream } from '../network/network.ts'
import { encodeMessage, STATE_MESSAGE_LIMIT, type StateMessage } from './state-messages.ts'

/** Bytes that a transport may hold back of one state stream: what says that it has room must not gather without end. */
const MAX_BUFFERED: number = 2 * STATE_MESSAGE_LIMIT

/**
 * The way out to one neighbour. Whoever sends asks for room first and keeps what it has until there is some: a neighbour
 * that answers pings but does not read would otherwise have us hold every answer to it.
 */
export class StateOutlet {
  readonly stream: MessageStream
  readonly #counters: Ports['counters']
  readonly #drained: () => void
  #isBlocked = false

  /** @param drained told when a full stream has room again: what waited can go */
  constructor(stream: MessageStream, counters: Ports['counters'], drained: () => void) {
    this.stream = stream
    this.#counters = counters
    this.#drained = drained
  }

  get hasRoom(): boolean {
    return !this.#isBlocked && this.stream.isOpen
  }

  send(message: StateMessage): void {
    if (this.#write(message)) return
    this.#isBlocked = true
    void this.stream.drained().then(
      () => {
        this.#isBlocked = false
        this.#drained()
      },
      // The stream broke while full: its close listener does what is needed.
      // It ended instead: its close listener opens the next.
      () => undefined,
    )
  }

  /** False when the stream is full now. One that breaks while it is written to ends: its close listener opens the next. */
  #write(message: StateMessage): boolean {
    const { stream } = this
    if (stream.buffered > MAX_BUFFERED) {
      this.#counters.add('membership.state.overfull')
      stream.abort(
        new AmcpError('ERR_QUEUE_FULL', `${stream.peer} does not read its state stream`, { retryable: true }),
      )
      return true
    }
    try {
      return stream.send(encodeMessage(message))
    } catch (error) {
      this.#counters.add('membership.state.unsent')
      stream.abort(error as Error)
      return true
    }
  }
}
