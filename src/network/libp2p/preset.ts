/** Times and sizes of the network; `lanNetwork` is the default. */
export interface NetworkPreset {
  /** ms between gossipsub's heartbeats. Its message cache holds one heartbeat only, repair being the log's job. */
  readonly heartbeat: number
  /** ms that a dial may take, with its handshakes. */
  readonly dialTimeout: number
  /** ms that opening a stream may take. */
  readonly openTimeout: number
  /** ms that an admitted peer may be without our gossip stream before the watchdog acts. */
  readonly gossipStreamTimeout: number
  /** ms between the pings that find links which died without a word. */
  readonly pingInterval: number
  /** Least ms a ping may take; a peer that is merely busy must not be cut off: all that wait dial it again at once. */
  readonly pingTimeout: number
  /** Bytes in flight on one stream: bandwidth times round trip. */
  readonly window: number
  /** ms that a provider record is believed without being renewed. */
  readonly recordValidity: number
  /** ms between two mDNS questions. */
  readonly mdnsInterval: number
}

const WINDOW = 4 * 1024 * 1024

export const lanNetwork: NetworkPreset = {
  heartbeat: 300,
  dialTimeout: 5_000,
  openTimeout: 5_000,
  gossipStreamTimeout: 2_000,
  pingInterval: 5_000,
  pingTimeout: 10_000,
  window: WINDOW,
  recordValidity: 10 * 60_000,
  mdnsInterval: 5_000,
}

/** For links of tens to hundreds of ms. */
export const wanNetwork: NetworkPreset = {
  ...lanNetwork,
  heartbeat: 700,
  dialTimeout: 15_000,
  openTimeout: 15_000,
  gossipStreamTimeout: 5_000,
  pingInterval: 10_000,
  pingTimeout: 15_000,
  recordValidity: 30 * 60_000,
}
