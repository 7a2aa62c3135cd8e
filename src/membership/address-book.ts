import type { ContextId } from '../core/ids.ts'
import type { Network } from '../network/network.ts'
import type { StateEntry } from './state-entry.ts'

/** Tells the network where members can be dialled, once for each change. */
export class AddressBook {
  readonly #network: Pick<Network, 'remember'>
  /** The body whose addresses the network knows, by context. */
  readonly #told = new Map<ContextId, string>()

  constructor(network: Pick<Network, 'remember'>) {
    this.#network = network
  }

  note({ head, body }: StateEntry): void {
    if (this.#told.get(head.context) === head.body) return
    this.#told.set(head.context, head.body)
    this.#network.remember(head.context, body.addresses)
  }

  forget(contexts: readonly ContextId[]): void {
    for (const context of contexts) this.#told.delete(context)
  }
}
