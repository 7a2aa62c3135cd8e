/** Deepest pattern and topic; `topic.ts` refuses deeper ones before they come here. */
const MAX_DEPTH = 64
const STAR = '*'
const UNKNOWN = -1

/** One level of the trie. Most nodes have a single child, which then needs no map. */
interface Node<V> {
  readonly parent: Node<V> | undefined
  /** Id of the level that leads here; the wildcard's node has none. */
  readonly key: number
  onlyKey: number
  onlyChild: Node<V> | undefined
  children: Map<number, Node<V>> | undefined
  star: Node<V> | undefined
  /** Values of patterns that end here. */
  values: V[] | undefined
  /** Values of patterns that end here in `>`. */
  rest: V[] | undefined
}

const newNode = <V>(parent: Node<V> | undefined, key: number): Node<V> => ({
  parent,
  key,
  onlyKey: UNKNOWN,
  onlyChild: undefined,
  children: undefined,
  star: undefined,
  values: undefined,
  rest: undefined,
})

/**
 * Values by topic pattern, for hundreds of thousands of patterns. `*` is one level, `>` (or `**`) one level or more.
 *
 * What made it fast, measured with 100,000 patterns: levels are interned to small integers, so that a topic's level is
 * hashed once instead of once a branch; a level that no pattern knows ends all but the wildcard branches at once; nodes
 * with one child, nine in ten, compare an integer instead of asking a map.
 */
export class TopicTrie<V> {
  readonly #root: Node<V> = newNode<V>(undefined, UNKNOWN)
  /** Level names that patterns use, with how many nodes use each. */
  readonly #ids = new Map<string, number>()
  readonly #names: string[] = []
  readonly #uses: number[] = []
  readonly #freeIds: number[] = []
  /** The topic being matched; reused, since matching is synchronous and never nested. */
  readonly #levels = new Int32Array(MAX_DEPTH + 1)
  #depth = 0
  #size = 0

  /** Pairs of pattern and value. */
  get size(): number {
    return this.#size
  }

  /** Adds a value under a valid pattern; the same pair may be added more than once. */
  add(pattern: string, value: V): void {
    let node = this.#root
    for (const level of pattern.split('.')) {
      if (isRest(level)) {
        node.rest ??= []
        node.rest.push(value)
        this.#size += 1
        return
      }
      node = level === STAR ? starOf(node) : this.#childFor(node, level)
    }
    node.values ??= []
    node.values.push(value)
    this.#size += 1
  }

  /** Removes one such pair; false when there is none. */
  remove(pattern: string, value: V): boolean {
    const levels = pattern.split('.')
    const endsInRest = isRest(levels.at(-1)!)
    if (endsInRest) levels.pop()
    let node: Node<V> | undefined = this.#root
    for (const level of levels) {
      node = level === STAR ? node.star : child(node, this.#ids.get(level) ?? UNKNOWN)
      if (node === undefined) return false
    }
    const values = endsInRest ? node.rest : node.values
    const at = values?.indexOf(value) ?? -1
    if (values === undefined || at < 0) return false
    values.splice(at, 1)
    if (values.length === 0) {
      if (endsInRest) node.rest = undefined
      else node.values = undefined
      this.#prune(node)
    }
    this.#size -= 1
    return true
  }

  /** Appends the values of all patterns that match the concrete topic to `out`, and returns it. */
  match(topic: string, out: V[] = []): V[] {
    const levels = this.#levels
    let depth = 0
    for (let start = 0; depth <= MAX_DEPTH; depth += 1) {
      const end = topic.indexOf('.', start)
      const name = end < 0 ? topic.slice(start) : topic.slice(start, end)
      levels[depth] = this.#ids.get(name) ?? UNKNOWN
      if (end < 0) break
      start = end + 1
    }
    if (depth > MAX_DEPTH) return out
    this.#depth = depth + 1
    this.#walk(this.#root, 0, out)
    return out
  }

  #walk(from: Node<V>, at: number, out: V[]): void {
    const end = this.#depth
    let node: Node<V> | undefined = from
    for (let depth = at; node !== undefined; depth += 1) {
      if (depth === end) {
        append(out, node.values)
        return
      }
      append(out, node.rest)
      if (node.star !== undefined) this.#walk(node.star, depth + 1, out)
      node = child(node, this.#levels[depth]!)
    }
  }

  #childFor(node: Node<V>, level: string): Node<V> {
    const known = this.#ids.get(level)
    const existing = known === undefined ? undefined : child(node, known)
    if (existing !== undefined) return existing
    const id = known ?? this.#newId(level)
    this.#uses[id]! += 1
    const added = newNode(node, id)
    if (node.children !== undefined) node.children.set(id, added)
    else if (node.onlyChild === undefined) {
      node.onlyKey = id
      node.onlyChild = added
    } else {
      node.children = new Map([
        [node.onlyKey, node.onlyChild],
        [id, added],
      ])
      node.onlyKey = UNKNOWN
      node.onlyChild = undefined
    }
    return added
  }

  #newId(level: string): number {
    const id = this.#freeIds.pop() ?? this.#names.length
    this.#names[id] = level
    this.#uses[id] = 0
    this.#ids.set(level, id)
    return id
  }

  /** Forgets nodes that hold nothing any more, and level names that no node uses. */
  #prune(from: Node<V>): void {
    let node = from
    while (node.parent !== undefined && isEmpty(node)) {
      const { parent } = node
      if (parent.star === node) parent.star = undefined
      else {
        if (parent.children === undefined) {
          parent.onlyChild = undefined
          parent.onlyKey = UNKNOWN
        } else {
          parent.children.delete(node.key)
          if (parent.children.size === 0) parent.children = undefined
        }
        this.#release(node.key)
      }
      node = parent
    }
  }

  #release(id: number): void {
    this.#uses[id]! -= 1
    if (this.#uses[id] !== 0) return
    this.#ids.delete(this.#names[id]!)
    this.#freeIds.push(id)
  }
}

const isRest = (level: string): boolean => level === '>' || level === '**'

function starOf<V>(node: Node<V>): Node<V> {
  node.star ??= newNode(node, UNKNOWN)
  return node.star
}

function child<V>(node: Node<V>, id: number): Node<V> | undefined {
  if (id === UNKNOWN) return undefined
  if (node.onlyKey === id) return node.onlyChild
  return node.children?.get(id)
}

function append<V>(out: V[], values: readonly V[] | undefined): void {
  if (values === undefined) return
  for (let index = 0; index < values.length; index += 1) out.push(values[index]!)
}

const isEmpty = <V>(node: Node<V>): boolean =>
  node.values === undefined &&
  node.rest === undefined &&
  node.star === undefined &&
  node.onlyChild === undefined &&
  node.children === undefined
