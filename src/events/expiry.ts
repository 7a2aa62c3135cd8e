import type { Clock } from '../core/clock.ts'
import { CLOCK_AHEAD } from '../core/clock-tolerance.ts'
import type { AmcpEvent } from './event.ts'
import { ReceivedEvent } from './frame/received-event.ts'

/**
 * Whether the event is past its `expirytime`, and so must not be handed to a handler. Without a readable one it never is.
 * One from another context is so only when it is by every clock that may have set it.
 */
export function isExpired(event: AmcpEvent, clock: Pick<Clock, 'now'>): boolean {
  if (event instanceof ReceivedEvent) {
    const { expiresAt } = event
    return expiresAt !== undefined && clock.now() >= expiresAt + CLOCK_AHEAD
  }
  const { expirytime } = event
  return expirytime !== undefined && clock.now() >= Date.parse(expirytime)
}
