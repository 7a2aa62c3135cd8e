import type { GossipSub } from '@libp2p/gossipsub'
import type { Counters } from '../../core/counters.ts'
import type { ContextId } from '../../core/ids.ts'

/** Bytes that may wait for one neighbour: four times what this context's own publishers let wait for any. */
const LIMIT = 16 * 1024 * 1024

/** Of gossipsub's class, what its types keep private. */
interface Outbox {
  readonly streamsOutbound: ReadonlyMap<ContextId, { readonly rawStream: { readonly writeBufferLength: number } }>
  sendRpc(peer: ContextId, rpc: { readonly messages: readonly unknown[] }): boolean
}

/**
 * Bounds what waits for a neighbour. Publishers here wait for it themselves, but what others publish is passed on as it comes,
 * and a neighbour slower than they are would fill the memory. Frames beyond are dropped, for that neighbour alone, which
 * has other neighbours; gossipsub's own limit would end its stream, and with it all that waits. To be called before the node starts.
 */
export function boundOutbox(pubsub: GossipSub, counters: Counters, limit: number = LIMIT): void {
  const outbox = pubsub as unknown as Outbox
  const send = outbox.sendRpc.bind(pubsub)
  outbox.sendRpc = (peer, rpc) => {
    const waiting = outbox.streamsOutbound.get(peer)?.rawStream.writeBufferLength ?? 0
    if (waiting < limit || rpc.messages.length === 0) return send(peer, rpc)
    counters.add('network.gossip.overflowed', rpc.messages.length)
    return false
  }
}
