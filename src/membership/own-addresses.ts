import type { Ports } from '../core/ports.ts'
import type { Network } from '../network/network.ts'
import { ADDRESS_LIMIT } from './state-body.ts'
import { isShortText } from './wire-fields.ts'

/** Characters of all together: a hello has 32 KiB for them and a membership. */
const TOTAL_LIMIT = 8_192

/**
 * The addresses that a context tells others, in its hello and its entry: of those its network has as many as others take,
 * the first ones. A host with many interfaces, networks of containers among them, may listen on hundreds.
 */
export class OwnAddresses {
  readonly #network: Pick<Network, 'addresses'>
  readonly #counters: Ports['counters']
  #all: readonly string[] = []
  #told: readonly string[] = []

  constructor(network: Pick<Network, 'addresses'>, counters: Ports['counters']) {
    this.#network = network
    this.#counters = counters
  }

  get list(): readonly string[] {
    const all = this.#network.addresses
    if (all.length === this.#all.length && all.every((address, at) => address === this.#all[at])) return this.#told
    this.#all = [...all]
    this.#told = cut(all)
    const cutOff = all.length - this.#told.length
    if (cutOff > 0) this.#counters.add('membership.addresses.cut-off', cutOff)
    return this.#told
  }
}

function cut(all: readonly string[]): string[] {
  const told: string[] = []
  let left = TOTAL_LIMIT
  for (const address of all) {
    left -= address.length
    if (told.length >= ADDRESS_LIMIT || left < 0) break
    if (isShortText(address)) told.push(address)
  }
  return told
}
