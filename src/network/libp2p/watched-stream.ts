/** A peer's outbound gossip stream. */
export interface WatchedStream {
  /** Names the stream: another one of the same peer begins anew. */
  readonly stream: object
  /** Bytes that wait. */
  readonly waiting: number
  /** Bytes handed to the link since the stream began. */
  readonly sent: number
}
