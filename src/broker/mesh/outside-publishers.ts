import type { ContextId } from '../../core/ids.ts'
import { LruCache } from '../../core/lru-cache.ts'
import type { Members } from '../../membership/members.ts'

/** More than a context has links. */
const LIMIT = 4_096

/**
 * Who brings frames of its own in shards that it does not pass on. It has chosen this context to enter the shard by, which
 * this one cannot compute: the link is held because it is used.
 */
export class OutsidePublishers {
  readonly #members: Pick<Members, 'relays'>
  readonly #lately = new LruCache<ContextId, true>(LIMIT)

  constructor(members: Pick<Members, 'relays'>) {
    this.#members = members
  }

  /** A frame has come straight from its publisher. */
  brought(publisher: ContextId, shard: number): void {
    if (!this.#members.relays.has(publisher, shard)) this.#lately.set(publisher, true)
  }

  /** Whether it brought any since this was asked last. */
  wasUsed(publisher: ContextId): boolean {
    return this.#lately.delete(publisher)
  }
}
