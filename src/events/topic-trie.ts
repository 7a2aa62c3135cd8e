import { LevelNames, UNKNOWN_LEVEL } from './level-names.ts'
import { isRest, MAX_TOPIC_LEVELS } from './topic.ts'
import { NONE, TrieNodes } from './trie-nodes.ts'

const STAR = '*'

/**
 * Values by topic pattern, for hundreds of thousands of patterns. `*` is one level, `>` (or `**`) one level or more.
 *
 * What made it fast, measured with 100,000 patterns and 10,000 topics (`test/bench/trie.ts`), where memory is waited for
 * more than anything is computed: levels are small integers, so that a topic's level is hashed once instead of once a
 * branch, and one that no pattern knows ends all but the wildcard branches; levels are hashed in place instead of sliced
 * (+4 %); nodes are integers in one array instead of objects with maps (+10 %).
 */
export class TopicTrie<V> {
  readonly #nodes = new TrieNodes()
  readonly #names = new LevelNames()
  /** By node: values of patterns that end there. */
  readonly #values: (V[] | undefined)[] = []
  /** By node: values of patterns that end there in `>`. */
  readonly #rest: (V[] | undefined)[] = []
  /** The topic being matched; reused, since matching is synchronous and never nested. */
  readonly #levels = new Int32Array(MAX_TOPIC_LEVELS)
  #depth = 0
  #size = 0

  /** Pairs of pattern and value. */
  get size(): number {
    return this.#size
  }

  /** Adds a value under a valid pattern; the same pair may be added more than once. */
  add(pattern: string, value: V): void {
    const nodes = this.#nodes
    let node = TrieNodes.root
    this.#size += 1
    for (const level of pattern.split('.')) {
      if (isRest(level)) {
        nodes.setRest(node, put(this.#rest, node, value))
        return
      }
      node = level === STAR ? this.#starOf(node) : this.#childOf(node, level)
    }
    nodes.setValues(node, put(this.#values, node, value))
  }

  /** Removes one such pair; false when there is none. */
  remove(pattern: string, value: V): boolean {
    const nodes = this.#nodes
    const levels = pattern.split('.')
    const endsInRest = isRest(levels.at(-1)!)
    if (endsInRest) levels.pop()
    let node = TrieNodes.root
    for (const level of levels) {
      node = level === STAR ? nodes.star(node) : this.#find(node, level)
      if (node === NONE) return false
    }
    const byNode = endsInRest ? this.#rest : this.#values
    const values = byNode[node]
    const at = values?.indexOf(value) ?? -1
    if (values === undefined || at < 0) return false
    values.splice(at, 1)
    if (values.length === 0) byNode[node] = undefined
    if (endsInRest) nodes.setRest(node, values.length)
    else nodes.setValues(node, values.length)
    this.#prune(node)
    this.#size -= 1
    return true
  }

  /** Appends the values of all patterns that match the concrete topic to `out`, and returns it. */
  match(topic: string, out: V[] = []): V[] {
    const depth = this.#names.read(topic, this.#levels)
    if (depth === undefined) return out
    this.#depth = depth
    this.#walk(TrieNodes.root, 0, out)
    return out
  }

  #walk(from: number, at: number, out: V[]): void {
    const nodes = this.#nodes
    const end = this.#depth
    let node = from
    for (let depth = at; ; depth += 1) {
      if (depth === end) {
        if (nodes.values(node) > 0) append(out, this.#values[node]!)
        return
      }
      if (nodes.rest(node) > 0) append(out, this.#rest[node]!)
      const star = nodes.star(node)
      if (star !== NONE) this.#walk(star, depth + 1, out)
      const level = this.#levels[depth]!
      if (level === UNKNOWN_LEVEL) return
      node = nodes.child(node, level)
      if (node === NONE) return
    }
  }

  #find(node: number, level: string): number {
    const id = this.#names.idOf(level)
    return id === UNKNOWN_LEVEL ? NONE : this.#nodes.child(node, id)
  }

  #childOf(node: number, level: string): number {
    const existing = this.#find(node, level)
    return existing === NONE ? this.#nodes.addChild(node, this.#names.acquire(level)) : existing
  }

  #starOf(node: number): number {
    const existing = this.#nodes.star(node)
    return existing === NONE ? this.#nodes.addStar(node) : existing
  }

  /** Forgets nodes that hold nothing any more, and level names that no node uses. */
  #prune(from: number): void {
    const nodes = this.#nodes
    for (let node = from; node !== TrieNodes.root && nodes.isEmpty(node); ) {
      const parent = nodes.parent(node)
      const key = nodes.key(node)
      nodes.remove(node)
      if (key !== NONE) this.#names.release(key)
      node = parent
    }
  }
}

/** Returns how many values the node has now. */
function put<V>(byNode: (V[] | undefined)[], node: number, value: V): number {
  // Node numbers are dense, and holes would make the array a slow one.
  while (byNode.length <= node) byNode.push(undefined)
  const values = byNode[node]
  if (values === undefined) {
    byNode[node] = [value]
    return 1
  }
  return values.push(value)
}

function append<V>(out: V[], values: readonly V[]): void {
  for (let index = 0; index < values.length; index += 1) out.push(values[index]!)
}
