import type { ContextId } from '../../core/ids.ts'
import { equalBytes } from '../../events/frame/bytes.ts'
import type { Frame } from '../../events/frame/frame-reader.ts'
import type { ReceivedEvent } from '../../events/frame/received-event.ts'

/** Where a frame lies among all frames of its publisher, whatever lane they take. */
export interface FramePlace {
  readonly publisher: ContextId
  readonly incarnation: Uint8Array
  /** The first sequence of each shard that it has events of. */
  readonly firsts: readonly { readonly shard: number; readonly sequence: number }[]
}

export function placeOf({ publisher, header }: Frame, events: readonly ReceivedEvent[]): FramePlace {
  const firsts: { shard: number; sequence: number }[] = []
  for (const { shard, sequenceNumber } of events)
    if (!firsts.some((first) => first.shard === shard)) firsts.push({ shard, sequence: sequenceNumber })
  return { publisher, incarnation: header.incarnation, firsts }
}

/** Whether the first one was published before the other in a shard of both. Not so for two copies of one frame. */
export function precedes(one: FramePlace, other: FramePlace): boolean {
  if (one.publisher !== other.publisher || !equalBytes(one.incarnation, other.incarnation)) return false
  return one.firsts.some(({ shard, sequence }) =>
    other.firsts.some((first) => first.shard === shard && sequence < first.sequence),
  )
}
