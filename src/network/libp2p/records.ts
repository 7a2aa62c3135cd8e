import type { ContentRouting } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { toString as encodeBytes } from 'uint8arrays/to-string'
import { deadline } from '../../core/deadline.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'
import type { Records } from '../network.ts'

/** Multihash prefix of a SHA-256 digest. */
const SHA_256 = Uint8Array.of(0x12, 0x20)
/** ms that a search may take: the DHT ends it when all close peers were asked, or when the time is up. */
const SEARCH_TIMEOUT = 5_000

type Cid = Parameters<ContentRouting['provide']>[0]

/** The Records port over kad-dht's provider records. */
export class DhtRecords implements Records {
  readonly #ports: Ports
  #routing: ContentRouting | undefined
  #searches = 0

  constructor(ports: Ports) {
    this.#ports = ports
  }

  attach(routing: ContentRouting): void {
    this.#routing = routing
  }

  detach(): void {
    this.#routing = undefined
  }

  /** Whether somebody is being searched for now, who may have to be dialled. */
  get isSearching(): boolean {
    return this.#searches > 0
  }

  async provide(key: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const routing = this.#started()
    using limit = deadline(this.#ports.clock, SEARCH_TIMEOUT, { signal })
    this.#searches += 1
    try {
      await routing.provide(this.#cid(key), { signal: limit.signal })
    } finally {
      this.#searches -= 1
    }
  }

  async withdraw(key: string): Promise<void> {
    await this.#started().cancelReprovide(this.#cid(key))
  }

  async *providers(key: string, { signal }: { signal?: AbortSignal } = {}): AsyncIterable<ContextId> {
    const found = new Set<ContextId>()
    const routing = this.#started()
    using limit = deadline(this.#ports.clock, SEARCH_TIMEOUT, { signal })
    this.#searches += 1
    try {
      for await (const { id } of routing.findProviders(this.#cid(key), { signal: limit.signal })) {
        const peer = id.toString()
        if (found.has(peer)) continue
        found.add(peer)
        yield peer
      }
    } catch (error) {
      signal?.throwIfAborted()
      // The time being up is the end of the search, and no fault.
      if (!limit.isOver) throw error
    } finally {
      this.#searches -= 1
    }
  }

  #started(): ContentRouting {
    if (this.#routing === undefined) throw new AmcpError('ERR_STOPPED', 'the network is not started')
    return this.#routing
  }

  /** The key's SHA-256 as a CID; a peer id made of a digest is the shortest way to one. */
  #cid(key: string): Cid {
    const digest = this.#ports.crypto.sha256(new TextEncoder().encode(key))
    const multihash = new Uint8Array(SHA_256.length + digest.length)
    multihash.set(SHA_256)
    multihash.set(digest, SHA_256.length)
    return peerIdFromString(encodeBytes(multihash, 'base58btc')).toCID()
  }
}
