import type { ContextId } from '../../core/ids.ts'
import { equalBytes } from '../../events/frame/bytes.ts'
import type { Frame } from '../../events/frame/frame-reader.ts'
import type { ReceivedEvent } from '../../events/frame/received-event.ts'

/** Where a frame lies among all frames of its publisher, whatever lane they take. */
export interface FramePlace {
  readonly publisher: ContextId
  readonly incarnation: Uint8Array
  /** The first sequence of each shard that it has events of. */
  readonly firsts: ReadonlyMap<number, number>
}

export function placeOf({ publisher, header }: Frame, events: readonly ReceivedEvent[]): FramePlace {
  const firsts = new Map<number, number>()
  for (const { shard, sequenceNumber } of events) if (!firsts.has(shard)) firsts.set(shard, sequenceNumber)
  return { publisher, incarnation: header.incarnation, firsts }
}

/** Whether the first one was published before the other in a shard of both. Not so for two copies of one frame. */
export function precedes(one: FramePlace, other: FramePlace): boolean {
  if (one.publisher !== other.publisher || !equalBytes(one.incarnation, other.incarnation)) return false
  for (const [shard, sequence] of one.firsts) if (sequence < (other.firsts.get(shard) ?? -1)) return true
  return false
}
