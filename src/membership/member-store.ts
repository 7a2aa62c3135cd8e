import { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import type { Store, StoreOperation } from '../core/store.ts'
import { isLastSeen, type LastSeen } from './hello-message.ts'
import { isWhole } from './wire-fields.ts'

const SPACE = 'membership'
/** Peers remembered over restarts: what is needed to tell them how far their last life had come. */
const REMEMBERED_LIMIT = 1_024
const SELF = 'self'
const PEER = 'peer/'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Own state version and what was last seen of others, so that neither begins below an earlier life. */
export class MemberStore {
  readonly #store: Store
  readonly #seen = new Map<ContextId, LastSeen>()
  /** Not written since they came, changed or were forgotten. */
  readonly #changed = new Set<ContextId>()
  #version = 0
  #saved = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** The highest own version that was saved. ERR_STORE_UNREADABLE when it is damaged, rather than to begin too low. */
  async load(): Promise<number> {
    const own = await this.#store.get(SPACE, encoder.encode(SELF))
    this.#version = own === undefined ? 0 : read(SELF, own, isWhole)
    this.#saved = this.#version
    const from = encoder.encode(PEER)
    for await (const [key, value] of this.#store.scan(SPACE, { from, to: encoder.encode('peer0') }))
      this.#seen.set(decoder.decode(key).slice(PEER.length), read('a member that was seen', value, isLastSeen))
    return this.#version
  }

  seenOf(peer: ContextId): LastSeen | undefined {
    return this.#seen.get(peer)
  }

  noteOwn(version: number): void {
    this.#version = Math.max(this.#version, version)
  }

  note(peer: ContextId, incarnation: string, version: number): void {
    const seen = this.#seen.get(peer)
    if (seen !== undefined && seen.version >= version) return
    this.#seen.delete(peer)
    this.#seen.set(peer, { incarnation, version, heads: seen?.heads ?? {} })
    this.#changed.add(peer)
  }

  /** Writes what has changed, in one batch. What could not be written is changed still, so that the next save writes it. */
  async save(): Promise<void> {
    for (const peer of this.#seen.keys()) {
      if (this.#seen.size <= REMEMBERED_LIMIT) break
      this.#seen.delete(peer)
      this.#changed.add(peer)
    }
    const peers = [...this.#changed]
    const version = this.#version
    const operations = peers.map((peer) => this.#operation(peer))
    if (version > this.#saved)
      operations.push({ type: 'put', space: SPACE, key: encoder.encode(SELF), value: bytesOf(version) })
    if (operations.length === 0) return
    this.#changed.clear()
    try {
      await this.#store.batch(operations)
      this.#saved = Math.max(this.#saved, version)
    } catch (error) {
      for (const peer of peers) this.#changed.add(peer)
      throw error
    }
  }

  #operation(peer: ContextId): StoreOperation {
    const seen = this.#seen.get(peer)
    const key = keyOf(peer)
    return seen === undefined
      ? { type: 'delete', space: SPACE, key }
      : { type: 'put', space: SPACE, key, value: bytesOf(seen) }
  }
}

function read<T>(what: string, bytes: Uint8Array, fits: (value: unknown) => value is T): T {
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(bytes))
  } catch (cause) {
    throw damaged(what, cause)
  }
  if (!fits(value)) throw damaged(what)
  return value
}

const damaged = (what: string, cause?: unknown): AmcpError =>
  new AmcpError('ERR_STORE_UNREADABLE', `the record of ${what} in the store is damaged`, { cause })

const keyOf = (peer: ContextId): Uint8Array => encoder.encode(PEER + peer)
const bytesOf = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value))
