import type { ContentRouting } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { toString as encodeBytes } from 'uint8arrays/to-string'
import type { Crypto } from '../../core/crypto.ts'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Records } from '../network.ts'

/** Multihash prefix of a SHA-256 digest. */
const SHA_256 = Uint8Array.of(0x12, 0x20)
/** ms that a search may take: the DHT ends it when all close peers were asked, or when the time is up. */
const SEARCH_TIMEOUT = 5_000

type Cid = Parameters<ContentRouting['provide']>[0]

/** The Records port over kad-dht's provider records. */
export class DhtRecords implements Records {
  readonly #crypto: Crypto
  #routing: ContentRouting | undefined

  constructor(crypto: Crypto) {
    this.#crypto = crypto
  }

  attach(routing: ContentRouting): void {
    this.#routing = routing
  }

  detach(): void {
    this.#routing = undefined
  }

  async provide(key: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#started().provide(this.#cid(key), { signal: limited(signal) })
  }

  async withdraw(key: string): Promise<void> {
    await this.#started().cancelReprovide(this.#cid(key))
  }

  async *providers(key: string, { signal }: { signal?: AbortSignal } = {}): AsyncIterable<ContextId> {
    const found = new Set<ContextId>()
    const limit = limited(signal)
    try {
      for await (const { id } of this.#started().findProviders(this.#cid(key), { signal: limit })) {
        const peer = id.toString()
        if (found.has(peer)) continue
        found.add(peer)
        yield peer
      }
    } catch (error) {
      signal?.throwIfAborted()
      // The time being up is the end of the search, and no fault.
      if (!limit.aborted) throw error
    }
  }

  #started(): ContentRouting {
    if (this.#routing === undefined) throw new AmcpError('ERR_STOPPED', 'the network is not started')
    return this.#routing
  }

  /** The key's SHA-256 as a CID; a peer id made of a digest is the shortest way to one. */
  #cid(key: string): Cid {
    const digest = this.#crypto.sha256(new TextEncoder().encode(key))
    const multihash = new Uint8Array(SHA_256.length + digest.length)
    multihash.set(SHA_256)
    multihash.set(digest, SHA_256.length)
    return peerIdFromString(encodeBytes(multihash, 'base58btc')).toCID()
  }
}

function limited(signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(SEARCH_TIMEOUT)
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout])
}
