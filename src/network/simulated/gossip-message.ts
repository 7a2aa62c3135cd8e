/** What goes from neighbour to neighbour. */
export type GossipMessage =
  | { readonly kind: 'subscribe' | 'unsubscribe' | 'graft' | 'prune'; readonly topic: string }
  | PublishedMessage

export interface PublishedMessage {
  readonly kind: 'message'
  readonly topic: string
  readonly bytes: Uint8Array
  /** The digest of the bytes, by which copies are known. */
  readonly digest: string
}
