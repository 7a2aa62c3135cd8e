import type { Counters } from '../core/counters.ts'
import type { AmcpEvent } from '../events/event.ts'
import { ReceivedEvent } from '../events/frame/received-event.ts'
import type { Held } from './mailbox.ts'

/** The frame that an event came in, and keeps as long as it waits; undefined for one that was published here. */
export function frameOf(event: AmcpEvent | undefined): Held | undefined {
  return event instanceof ReceivedEvent ? event.frame : undefined
}

/**
 * What should wait in place of the event when much waits already: a copy, if the event keeps a frame of which it is a small
 * part, as when a reader wants one event of each frame. Counted as `{scope}.copied-out`.
 */
export function copiedOut(event: AmcpEvent, counters: Counters, scope: 'agents' | 'context'): AmcpEvent {
  if (!(event instanceof ReceivedEvent && event.isSmallPart)) return event
  counters.add(`${scope}.copied-out`)
  return event.copied()
}
