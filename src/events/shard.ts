import { isWildcard } from './topic.ts'

/** Shards of a new mesh; a power of two. */
export const DEFAULT_SHARD_COUNT = 64
/** Levels of a topic that choose its shard. */
export const SHARD_LEVELS = 3

const OFFSET_BASIS = 0x811c9dc5
const PRIME = 0x01000193

/**
 * The shard of a concrete topic: FNV-1a (32 bit) of its first three levels with their dots, modulo the shard count.
 * @param count a power of two
 * @see PROTOCOL.md, shards
 */
export function shardOf(topic: string, count: number = DEFAULT_SHARD_COUNT): number {
  let hash = OFFSET_BASIS
  let levels = 1
  for (let at = 0; at < topic.length; at += 1) {
    const code = topic.charCodeAt(at)
    if (code === 0x2e && levels++ === SHARD_LEVELS) break
    hash = Math.imul(hash ^ code, PRIME)
  }
  // The low bits of FNV-1a are its weakest; the fold lets the high ones take part.
  return ((hash >>> 16) ^ hash) & (count - 1)
}

/** The shards that topics of a pattern lie in: one, or all when a wildcard is among the levels that choose. */
export function shardsOfPattern(pattern: string, count: number = DEFAULT_SHARD_COUNT): readonly number[] | 'all' {
  const levels = pattern.split('.')
  const chooses = levels.slice(0, SHARD_LEVELS)
  const isOpen = chooses.some((one) => isWildcard(one))
  // `a.b.c.>` chooses one shard, `a.b.>` all: its rest may begin among the levels that choose.
  return isOpen ? 'all' : [shardOf(chooses.join('.'), count)]
}

/** The shards that topics of any of the patterns lie in. */
export function shardsOfPatterns(patterns: Iterable<string>, count: number = DEFAULT_SHARD_COUNT): Set<number> {
  const shards = new Set<number>()
  for (const pattern of patterns) {
    const some = shardsOfPattern(pattern, count)
    if (some === 'all') return new Set(Array.from({ length: count }, (_, shard) => shard))
    for (const shard of some) shards.add(shard)
  }
  return shards
}
