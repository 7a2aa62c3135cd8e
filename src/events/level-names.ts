/** No pattern uses this level. */
export const UNKNOWN_LEVEL = -1

const DOT = 46
const SEED = 0x811c9dc5
const PRIME = 0x01000193
const FREE = -1

/**
 * Small integers for the levels of names. A topic's levels are hashed where they stand (FNV-1a) and compared in place,
 * so that matching makes no strings: slicing and hashing them took a third of a match.
 */
export class LevelNames {
  readonly #names: string[] = []
  readonly #hashes: number[] = []
  readonly #uses: number[] = []
  readonly #freeIds: number[] = []
  /** Open addressing with linear probing: ids at the places that their hashes name, at most half full. */
  #table = new Int32Array(64).fill(FREE)
  #size = 0

  /** The id of one level. */
  idOf(name: string): number {
    return this.#find(name, 0, name.length, hashOf(name))
  }

  /**
   * Writes the ids of a topic's levels, UNKNOWN_LEVEL where no pattern uses one. Returns how many levels there are, or
   * undefined when there are more than `into` holds.
   */
  read(topic: string, into: Int32Array): number | undefined {
    const { length } = topic
    let depth = 0
    let start = 0
    let hash = SEED
    for (let at = 0; at < length; at += 1) {
      const unit = topic.charCodeAt(at)
      if (unit !== DOT) {
        hash = Math.imul(hash ^ unit, PRIME)
        continue
      }
      if (depth === into.length) return undefined
      into[depth] = this.#find(topic, start, at, hash)
      depth += 1
      start = at + 1
      hash = SEED
    }
    if (depth === into.length) return undefined
    into[depth] = this.#find(topic, start, length, hash)
    return depth + 1
  }

  /** One more use of a level, which gets an id if it has none. */
  acquire(name: string): number {
    const hash = hashOf(name)
    const known = this.#find(name, 0, name.length, hash)
    if (known !== UNKNOWN_LEVEL) {
      this.#uses[known]! += 1
      return known
    }
    const id = this.#freeIds.pop() ?? this.#names.length
    this.#names[id] = name
    this.#hashes[id] = hash
    this.#uses[id] = 1
    this.#size += 1
    if (this.#size * 2 > this.#table.length) this.#grow()
    this.#insert(id)
    return id
  }

  /** One use less; a level without uses is forgotten. */
  release(id: number): void {
    this.#uses[id]! -= 1
    if (this.#uses[id] !== 0) return
    this.#remove(id)
    this.#names[id] = ''
    this.#size -= 1
    this.#freeIds.push(id)
  }

  #find(text: string, start: number, end: number, hash: number): number {
    const table = this.#table
    const mask = table.length - 1
    for (let place = placeOf(hash, mask); ; place = (place + 1) & mask) {
      const id = table[place]!
      if (id === FREE) return UNKNOWN_LEVEL
      if (this.#hashes[id] === hash && isAt(text, start, end, this.#names[id]!)) return id
    }
  }

  #insert(id: number): void {
    const table = this.#table
    const mask = table.length - 1
    let place = placeOf(this.#hashes[id]!, mask)
    while (table[place] !== FREE) place = (place + 1) & mask
    table[place] = id
  }

  #grow(): void {
    const ids = this.#table.filter((id) => id !== FREE)
    this.#table = new Int32Array(this.#table.length * 2).fill(FREE)
    for (const id of ids) this.#insert(id)
  }

  /** Takes an id out and moves those behind it back, so that no probe ends too early. */
  #remove(id: number): void {
    const table = this.#table
    const mask = table.length - 1
    let hole = placeOf(this.#hashes[id]!, mask)
    while (table[hole] !== id) hole = (hole + 1) & mask
    for (let place = (hole + 1) & mask; table[place] !== FREE; place = (place + 1) & mask) {
      const home = placeOf(this.#hashes[table[place]!]!, mask)
      if (((place - home) & mask) < ((place - hole) & mask)) continue
      table[hole] = table[place]!
      hole = place
    }
    table[hole] = FREE
  }
}

/** The high bits of the hash are the better mixed ones. */
const placeOf = (hash: number, mask: number): number => (hash ^ (hash >>> 15)) & mask

function hashOf(name: string): number {
  let hash = SEED
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), PRIME)
  return hash
}

function isAt(text: string, start: number, end: number, name: string): boolean {
  const { length } = name
  if (end - start !== length) return false
  for (let at = 0; at < length; at += 1) if (text.charCodeAt(start + at) !== name.charCodeAt(at)) return false
  return true
}
