import type { Clock } from '../../core/clock.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import { withDeadline } from '../../core/with-deadline.ts'
import type { MessageStream, Network } from '../../network/network.ts'

/** ms that the hello on a new link may take. */
const HELLO_PATIENCE = 5_000

/**
 * Opens a stream to any member, linked or not, as soon as the link has been admitted.
 * ERR_DIAL_FAILED, ERR_NOT_CONNECTED, ERR_PROTOCOL_REFUSED.
 */
export async function openToMember(
  clock: Clock,
  network: Network,
  peer: ContextId,
  protocol: string,
): Promise<MessageStream> {
  if (!network.isConnected(peer)) await network.connect(peer)
  if (!network.isAdmitted(peer)) await admission(clock, network, peer)
  return network.streams.open(peer, protocol)
}

async function admission(clock: Clock, network: Network, peer: ContextId): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const notAdmitted = (why: string): AmcpError =>
    new AmcpError('ERR_NOT_CONNECTED', `${peer} ${why}`, { retryable: true })
  const unlisten = network.onPeer({
    admitted: (admitted) => {
      if (admitted === peer) resolve()
    },
    disconnected: (lost) => {
      if (lost === peer) reject(notAdmitted('left before it was admitted'))
    },
  })
  try {
    await withDeadline(clock, HELLO_PATIENCE, promise, () => notAdmitted('was not admitted in time'))
  } finally {
    unlisten()
  }
}
