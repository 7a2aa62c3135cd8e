import type { ContextId } from '../../core/ids.ts'
import type { KeepOpeningComponents } from './keep-opening.ts'
import type { WaitBudgetOptions } from './slow-receiver.ts'

export interface DirectLinkOptions extends WaitBudgetOptions {
  /**
   * Bytes that may wait for one receiver. Higher rides out longer pauses of a receiver and costs memory per receiver.
   * @default 4 MiB
   */
  queueBytes?: number
}

export interface DirectLinkComponents extends KeepOpeningComponents {
  readonly shardCount: number
  /** The last sequence of a shard sent by gossip that may still be under way, -1 for none. */
  gossiped(shard: number): number
  onMessage(peer: ContextId, message: Uint8Array): void
  /** What was sent has been handed over, or publishers need not wait any more. */
  onReady(): void
}
