import type { Clock } from '../core/clock.ts'
import type { AmcpEvent } from './event.ts'
import { ReceivedEvent } from './frame/received-event.ts'

/**
 * How far the clocks of two members may differ, ms: an event from another context is past its expiry only when it is so by
 * every clock that may have set it.
 */
export const CLOCK_TOLERANCE = 30_000

/** Whether the event is past its `expirytime`, and so must not be handed to a handler. Without a readable one it never is. */
export function isExpired(event: AmcpEvent, clock: Pick<Clock, 'now'>): boolean {
  if (event instanceof ReceivedEvent) {
    const { expiresAt } = event
    return expiresAt !== undefined && clock.now() >= expiresAt + CLOCK_TOLERANCE
  }
  const { expirytime } = event
  return expirytime !== undefined && clock.now() >= Date.parse(expirytime)
}
