import type { ContextId } from '../core/ids.ts'
import { shardsOfPatterns } from '../events/shard.ts'
import { TopicTrie } from '../events/topic-trie.ts'
import type { StateMap } from './state-map.ts'

/** Topics whose audience is remembered; the one asked first goes when there are more. */
const CACHE_LIMIT = 16_384

/**
 * Who listens to what, from the summaries of all members. Answers are arrays that stay the same objects while nothing
 * changes, so that a lane can key its own caches by them.
 */
export class Interest {
  readonly #map: StateMap
  readonly #shardCount: number
  readonly #trie = new TopicTrie<ContextId>()
  readonly #patterns = new Map<ContextId, readonly string[]>()
  readonly #shardsOf = new Map<ContextId, ReadonlySet<number>>()
  readonly #audiences = new Map<string, readonly ContextId[]>()
  readonly #interned = new Map<string, readonly ContextId[]>()
  #shards: ReadonlySet<number> | undefined
  #byShard: readonly ReadonlySet<ContextId>[] = []
  #isByShardStale = true
  /** Those who listen in all shards. */
  #everywhere: ReadonlySet<ContextId> = new Set()

  /** @param shardCount how many the mesh has */
  constructor(map: StateMap, shardCount: number) {
    this.#map = map
    this.#shardCount = shardCount
  }

  /** Takes over the entries of some contexts from the map; true when somebody's patterns changed. */
  refresh(changed: Iterable<ContextId>): boolean {
    let hasChanged = false
    for (const context of changed) hasChanged = this.#set(context, this.#map.live(context)?.body.patterns) || hasChanged
    if (!hasChanged) return false
    this.#audiences.clear()
    this.#interned.clear()
    this.#shards = undefined
    this.#isByShardStale = true
    return true
  }

  /** The members, but for `self`, that listen to the topic. */
  audienceOf(topic: string, self: ContextId): readonly ContextId[] {
    const known = this.#audiences.get(topic)
    if (known !== undefined) return known
    const listeners = [...new Set(this.#trie.match(topic))].filter((context) => context !== self).sort()
    const key = listeners.join()
    const audience = this.#interned.get(key) ?? listeners
    this.#remember(this.#interned, key, audience)
    this.#remember(this.#audiences, topic, audience)
    return audience
  }

  /** Shards that any member listens to. */
  get shards(): ReadonlySet<number> {
    this.#shards ??= new Set([...this.#shardsOf.values()].flatMap((shards) => [...shards]))
    return this.#shards
  }

  /**
   * By shard, all members that listen to anything in it. Sets, and the array, stay the same objects while nothing in them
   * changes: in a mesh of a thousand somebody changes some pattern all the time, and it concerns few.
   */
  get byShard(): readonly ReadonlySet<ContextId>[] {
    if (this.#isByShardStale) this.#findListeners()
    this.#isByShardStale = false
    return this.#byShard
  }

  #findListeners(): void {
    const everywhere: ContextId[] = []
    const inSome = Array.from({ length: this.#shardCount }, (): ContextId[] => [])
    for (const [context, shards] of this.#shardsOf) {
      if (shards.size === this.#shardCount) everywhere.push(context)
      else for (const shard of shards) inSome[shard]!.push(context)
    }
    const before = this.#byShard
    this.#everywhere = sameOr(this.#everywhere, new Set(everywhere))
    const now = inSome.map((some, shard) =>
      some.length === 0 ? this.#everywhere : sameOr(before[shard], new Set([...everywhere, ...some])),
    )
    if (before.length === 0 || now.some((listeners, shard) => listeners !== before[shard])) this.#byShard = now
  }

  #remember(cache: Map<string, readonly ContextId[]>, key: string, value: readonly ContextId[]): void {
    cache.set(key, value)
    if (cache.size <= CACHE_LIMIT) return
    const oldest = cache.keys().next()
    if (!oldest.done) cache.delete(oldest.value)
  }

  #set(context: ContextId, patterns: readonly string[] | undefined): boolean {
    const before = this.#patterns.get(context)
    if (before === patterns) return false
    for (const pattern of before ?? []) this.#trie.remove(pattern, context)
    for (const pattern of patterns ?? []) this.#trie.add(pattern, context)
    if (patterns === undefined) this.#patterns.delete(context)
    else this.#patterns.set(context, patterns)
    if (isSame(before, patterns)) return false
    if (patterns === undefined) this.#shardsOf.delete(context)
    else this.#shardsOf.set(context, shardsOfPatterns(patterns, this.#shardCount))
    return true
  }
}

function isSame(before: readonly string[] | undefined, after: readonly string[] | undefined): boolean {
  if (before?.length !== after?.length) return false
  return before === undefined || after === undefined || before.every((pattern, at) => pattern === after[at])
}

function sameOr(before: ReadonlySet<ContextId> | undefined, now: ReadonlySet<ContextId>): ReadonlySet<ContextId> {
  return before?.size === now.size && now.values().every((context) => before.has(context)) ? before : now
}
