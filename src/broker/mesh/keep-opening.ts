import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import { sleep } from '../../core/sleep.ts'
import type { MessageStream } from '../../network/network.ts'

export interface KeepOpeningComponents {
  readonly ports: Ports
  open(peer: ContextId): Promise<MessageStream>
  /** Whether it makes sense to go on trying to reach the peer. */
  isPresent(peer: ContextId): boolean
}

/** Waits between attempts to reach a receiver, in ms: doubled each time up to the longest. */
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 2_000

/** Tries until there is a stream, the peer has left, or none is wanted any more: then undefined. */
export async function keepOpening(
  peer: ContextId,
  { ports, open, isPresent }: KeepOpeningComponents,
  isWanted: () => boolean,
): Promise<MessageStream | 'left' | undefined> {
  for (let wait = FIRST_RETRY_MS; isWanted(); wait *= 2) {
    try {
      return await open(peer)
    } catch (error) {
      ports.counters.add('broker.direct.open-failed')
      ports.logger.debug({ peer, error: String(error) }, 'the direct lane could not be opened')
      if (!isPresent(peer)) return 'left'
      await sleep(ports.clock, Math.min(wait, LONGEST_RETRY_MS))
    }
  }
  return undefined
}
