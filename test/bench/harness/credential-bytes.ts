import { DIRECT_PROTOCOL } from '../../../src/broker/mesh/direct-lane.ts'
import { SYNC_PROTOCOL } from '../../../src/broker/mesh/sync-streams.ts'
import { readFrame } from '../../../src/events/frame/frame-reader.ts'
import { readLinkMessage } from '../../../src/events/frame/link-envelope.ts'
import type { MessageStream, Network } from '../../../src/network/network.ts'

const HASH_BYTES = 16

const varintBytes = (value: number): number => (value < 128 ? 1 : 1 + varintBytes(Math.floor(value / 128)))

/** What frames on the wire spend on saying who may publish, by kind, in bytes. */
export class CredentialBytes {
  frames = 0
  events = 0
  frameBytes = 0
  /** Memberships and tokens in full, with their lengths and count. */
  inFull = 0
  /** The membership's hash in headers. */
  membershipHashes = 0
  /** Token hashes, with their count. */
  tokenHashes = 0
  /** The events' indexes into the tokens. */
  indexes = 0
  /** All that is said on the streams by which missing credentials are asked for. */
  sync = 0

  get total(): number {
    return this.inFull + this.membershipHashes + this.tokenHashes + this.indexes + this.sync
  }

  /** Counts what the network sends from now on. Call it before the network is given to a context. */
  watch(network: Network): Network {
    const { gossip, streams } = network
    const open = streams.open.bind(streams)
    const handle = streams.handle.bind(streams)
    const publish = gossip.publish.bind(gossip)
    streams.open = async (...given) => this.#watched(await open(...given))
    streams.handle = (protocol, handler, options) =>
      handle(protocol, (stream) => handler(this.#watched(stream)), options)
    gossip.publish = (topic, bytes) => {
      this.frame(bytes)
      return publish(topic, bytes)
    }
    return network
  }

  frame(bytes: Uint8Array): void {
    const frame = readFrame(bytes)
    const credentials = frame.credentials()
    const hashes = frame.tokenHashes()
    const events = frame.events()
    this.frames += 1
    this.events += events.length
    this.frameBytes += bytes.length
    this.membershipHashes += HASH_BYTES
    this.inFull += varintBytes(credentials.length)
    for (const { length } of credentials) this.inFull += varintBytes(length) + length
    this.tokenHashes += varintBytes(hashes.length) + hashes.length * HASH_BYTES
    const places = new Map(hashes.map((hash, place) => [hash, varintBytes(place)]))
    for (const { tokenHash } of events) if (tokenHash !== undefined) this.indexes += places.get(tokenHash)!
  }

  #watched(stream: MessageStream): MessageStream {
    const { protocol } = stream
    if (protocol !== DIRECT_PROTOCOL && protocol !== SYNC_PROTOCOL) return stream
    const send = stream.send.bind(stream)
    stream.send = (...parts) => {
      const message = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
      if (protocol === SYNC_PROTOCOL) this.sync += message.length
      else {
        const { frame } = readLinkMessage(message)
        if (frame !== undefined) this.frame(frame)
      }
      return send(...parts)
    }
    return stream
  }
}
