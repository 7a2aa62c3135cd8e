import { endedBy } from '../core/ended-by.ts'
import { AmcpError } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import type { MessageStream } from './network.ts'

/**
 * Closes a stream, or what is laid over one, in good order; what is not closed when the clock's `monotonic()` reads `by`
 * is broken off and counted. A close waits until the other end has taken what was sent, and who reads nothing never does.
 */
export async function closeBy(
  { clock, counters }: Pick<Ports, 'clock' | 'counters'>,
  by: number,
  stream: Pick<MessageStream, 'close' | 'abort'>,
): Promise<void> {
  if (await endedBy(clock, by, stream.close())) return
  counters.add('network.streams.broken-off')
  stream.abort(new AmcpError('ERR_STREAM_CLOSED', 'the other end did not take in time what was sent before the close'))
}
