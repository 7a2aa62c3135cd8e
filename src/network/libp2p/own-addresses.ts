import type { KadDHTComponents } from '@libp2p/kad-dht'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface OwnAddressesComponents {
  readonly addressManager: Pick<KadDHTComponents['addressManager'], 'confirmObservedAddr'>
  readonly transportManager: { getAddrs(): Multiaddr[] }
}

/**
 * Has libp2p tell others where it listens on public interfaces, too. Left alone it keeps those to itself until some
 * stranger has dialled them back, a service that a mesh has none of.
 */
export class OwnAddresses {
  readonly #parts: OwnAddressesComponents

  constructor(components: OwnAddressesComponents) {
    this.#parts = components
  }

  /** To be repeated: interfaces come and go while a context listens on all of them. */
  confirm(): void {
    const { addressManager, transportManager } = this.#parts
    for (const address of transportManager.getAddrs())
      addressManager.confirmObservedAddr(address, { type: 'transport', ttl: Number.POSITIVE_INFINITY })
  }
}
