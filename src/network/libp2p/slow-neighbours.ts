import type { ContextId } from '../../core/ids.ts'
import type { WatchedStream } from './watched-stream.ts'

/** Bytes that a stream must move between two looks, half a second, to be none that holds up others: 2 MiB a second. */
const BRISK = 1_048_576
/** Looks that publishers wait for one neighbour: 2 s … */
const BUDGET = 4
/** … in any 60 s: what comes back of it with each look. */
const REGAINED = BUDGET / 120

interface Account {
  readonly stream: object
  readonly sent: number
  readonly used: number
}

/**
 * Which neighbours publishers no longer wait for: those that fell behind the others for longer than their budget. It is no
 * matter of one that reads briskly, nor of one that nobody is ahead of: that one is merely slower than the publisher.
 */
export class SlowNeighbours {
  #accounts = new Map<ContextId, Account>()

  /**
   * To be called each half second, with all streams.
   * @param full bytes waiting from which on a stream may hold up publishers
   * @returns the streams not to be waited for until the next look
   */
  look(streams: readonly (readonly [ContextId, WatchedStream])[], full: number): ReadonlySet<object> {
    const before = this.#accounts
    const seen = streams.map(([peer, { stream, waiting, sent }]) => {
      const known = before.get(peer)
      const last = known?.stream === stream ? known : { sent, used: 0 }
      return { peer, stream, sent, used: last.used, moved: sent - last.sent, isFull: waiting >= full }
    })
    const held = seen.filter(({ isFull }) => isFull).length
    this.#accounts = new Map()
    const slow = new Set<object>()
    for (const { peer, stream, sent, used, moved, isFull } of seen) {
      const ahead = seen.filter((other) => !other.isFull && other.moved > 0 && other.moved * 2 >= moved).length
      const isBehind = isFull && moved < BRISK && ahead >= held
      const left = Math.min(BUDGET + 1, Math.max(0, used - REGAINED) + (isBehind ? 1 : 0))
      if (left >= BUDGET) slow.add(stream)
      this.#accounts.set(peer, { stream, sent, used: left })
    }
    return slow
  }
}
