/** No node, or no level. */
export const NONE = -1

/** Fields of a node, one after the other in one array: 32 bytes, so that a node is read with half a cache line. */
const WIDTH = 8
const PARENT = 0
const KEY = 1
const CHILDREN = 2
const ONLY_KEY = 3
const ONLY_CHILD = 4
const STAR = 5
const VALUES = 6
const REST = 7

/** The key of a wildcard's node. */
const STAR_KEY = -2
const ROOT_TABLE = 1_024

/**
 * The nodes of a trie as integers in one array, found by (parent, key) through one open-addressing table. A node with a
 * single child, nine in ten, names it itself.
 */
export class TrieNodes {
  static readonly root = 0
  #fields = new Int32Array(ROOT_TABLE * WIDTH)
  #table = new Int32Array(ROOT_TABLE * 2).fill(NONE)
  #count = 0
  readonly #free: number[] = []
  #live = 0

  constructor() {
    this.#allocate(NONE, NONE)
  }

  child(node: number, key: number): number {
    const fields = this.#fields
    const at = node * WIDTH
    const children = fields[at + CHILDREN]!
    if (children === 0) return NONE
    if (children === 1 && fields[at + ONLY_CHILD] !== NONE) {
      return fields[at + ONLY_KEY] === key ? fields[at + ONLY_CHILD]! : NONE
    }
    const table = this.#table
    const mask = table.length - 1
    for (let place = placeOf(node, key, mask); ; place = (place + 1) & mask) {
      const found = table[place]!
      if (found === NONE) return NONE
      if (fields[found * WIDTH + KEY] === key && fields[found * WIDTH + PARENT] === node) return found
    }
  }

  star(node: number): number {
    return this.#fields[node * WIDTH + STAR]!
  }

  parent(node: number): number {
    return this.#fields[node * WIDTH + PARENT]!
  }

  /** The level that leads here, or NONE for a wildcard's node. */
  key(node: number): number {
    const key = this.#fields[node * WIDTH + KEY]!
    return key === STAR_KEY ? NONE : key
  }

  /** How many values are at a node. */
  values(node: number): number {
    return this.#fields[node * WIDTH + VALUES]!
  }

  rest(node: number): number {
    return this.#fields[node * WIDTH + REST]!
  }

  setValues(node: number, count: number): void {
    this.#fields[node * WIDTH + VALUES] = count
  }

  setRest(node: number, count: number): void {
    this.#fields[node * WIDTH + REST] = count
  }

  isEmpty(node: number): boolean {
    const fields = this.#fields
    const at = node * WIDTH
    return (
      fields[at + VALUES] === 0 && fields[at + REST] === 0 && fields[at + CHILDREN] === 0 && fields[at + STAR] === NONE
    )
  }

  addStar(parent: number): number {
    const node = this.#allocate(parent, STAR_KEY)
    this.#fields[parent * WIDTH + STAR] = node
    return node
  }

  addChild(parent: number, key: number): number {
    const node = this.#allocate(parent, key)
    const fields = this.#fields
    const at = parent * WIDTH
    const isOnly = fields[at + CHILDREN] === 0
    fields[at + CHILDREN]! += 1
    fields[at + ONLY_KEY] = isOnly ? key : NONE
    fields[at + ONLY_CHILD] = isOnly ? node : NONE
    if (this.#live * 2 > this.#table.length) this.#growTable()
    else this.#insert(node)
    return node
  }

  /** Takes an empty node away from its parent. */
  remove(node: number): void {
    const fields = this.#fields
    const at = fields[node * WIDTH + PARENT]! * WIDTH
    if (fields[node * WIDTH + KEY] === STAR_KEY) fields[at + STAR] = NONE
    else {
      fields[at + CHILDREN]! -= 1
      fields[at + ONLY_CHILD] = NONE
      this.#take(node)
    }
    fields[node * WIDTH + PARENT] = NONE
    this.#free.push(node)
    this.#live -= 1
  }

  #allocate(parent: number, key: number): number {
    const node = this.#free.pop() ?? this.#count++
    if (node * WIDTH === this.#fields.length) {
      const fields = new Int32Array(this.#fields.length * 2)
      fields.set(this.#fields)
      this.#fields = fields
    }
    const at = node * WIDTH
    this.#fields.fill(0, at, at + WIDTH)
    this.#fields[at + PARENT] = parent
    this.#fields[at + KEY] = key
    this.#fields[at + ONLY_CHILD] = NONE
    this.#fields[at + STAR] = NONE
    this.#live += 1
    return node
  }

  #home(node: number, mask: number): number {
    return placeOf(this.#fields[node * WIDTH + PARENT]!, this.#fields[node * WIDTH + KEY]!, mask)
  }

  #insert(node: number): void {
    const table = this.#table
    const mask = table.length - 1
    let place = this.#home(node, mask)
    while (table[place] !== NONE) place = (place + 1) & mask
    table[place] = node
  }

  #growTable(): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(NONE)
    for (let node = 0; node < this.#count; node += 1) {
      const at = node * WIDTH
      if (this.#fields[at + PARENT] !== NONE && this.#fields[at + KEY] !== STAR_KEY) this.#insert(node)
    }
  }

  /** Takes a node out of the table and moves those behind it back, so that no probe ends too early. */
  #take(node: number): void {
    const table = this.#table
    const mask = table.length - 1
    let hole = this.#home(node, mask)
    while (table[hole] !== node) hole = (hole + 1) & mask
    for (let place = (hole + 1) & mask; table[place] !== NONE; place = (place + 1) & mask) {
      const home = this.#home(table[place]!, mask)
      if (((place - home) & mask) < ((place - hole) & mask)) continue
      table[hole] = table[place]!
      hole = place
    }
    table[hole] = NONE
  }
}

function placeOf(parent: number, key: number, mask: number): number {
  const mixed = Math.imul(parent, 0x9e3779b1) ^ Math.imul(key + 1, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) & mask
}
