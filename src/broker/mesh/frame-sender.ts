import type { Crypto, SigningKey } from '../../core/crypto.ts'
import type { Ports } from '../../core/ports.ts'
import type { FrameFields } from '../../events/frame/frame-header.ts'
import type { Credential } from '../../identity/credential.ts'
import type { Batch } from './batcher.ts'
import type { OwnChain } from './chains.ts'
import type { FrameSecurity } from './frame-security.ts'
import { SHARD_GENERATION } from './shards.ts'

/** Credentials remembered as sent to somebody; then all are sent anew, which is only a waste. */
const MAX_SENT = 8_192

/** Which credentials have travelled in full on one lane already. */
export class SentCredentials {
  readonly #sent = new Set<Credential>()

  has(credential: Credential): boolean {
    return this.#sent.has(credential)
  }

  add(credential: Credential): void {
    if (this.#sent.size >= MAX_SENT) this.#sent.clear()
    this.#sent.add(credential)
  }

  clear(): void {
    this.#sent.clear()
  }
}

/** Makes frames of batches, with this context's name, membership and, where asked for, signature. */
export class FrameSender {
  readonly crypto: Crypto
  readonly #ports: Ports
  readonly #security: FrameSecurity
  readonly #incarnation: () => Uint8Array
  readonly #key: SigningKey
  readonly #sign: (digest: Uint8Array) => Uint8Array

  constructor(ports: Ports, security: FrameSecurity, incarnation: () => Uint8Array) {
    this.crypto = ports.crypto
    this.#ports = ports
    this.#security = security
    this.#incarnation = incarnation
    this.#key = security.signingKey
    this.#sign = (digest) => this.#key.sign(digest)
  }

  /** The credentials of a batch that not everybody on these lanes was sent in full; then they count as sent. */
  unsent(batch: Batch, lanes: readonly SentCredentials[]): readonly Uint8Array[] {
    const unsent: Uint8Array[] = []
    this.#collect(this.#security.membership, lanes, unsent)
    for (const token of batch.tokens) this.#collect(token, lanes, unsent)
    return unsent
  }

  unsigned(batch: Batch, credentials: readonly Uint8Array[]): Uint8Array {
    return batch.writer.finish({ ...this.#fields(), credentials })
  }

  /** @param receiver 16 bytes naming the receiver of a link's frame; undefined for gossip */
  signed(batch: Batch, credentials: readonly Uint8Array[], chain: OwnChain, receiver?: Uint8Array): Uint8Array {
    const { n, predecessor } = chain
    const place =
      receiver === undefined
        ? ({ kind: 'gossip', n, predecessor } as const)
        : ({ kind: 'link', n, predecessor, receiver } as const)
    const frame = batch.writer.finish({ ...this.#fields(), chain: place, credentials }, this.#sign)
    chain.signed(batch.writer.headerDigest!)
    return frame
  }

  #fields(): FrameFields {
    return {
      meshHash: this.#security.meshHash,
      publisher: this.#key.publicKey,
      incarnation: this.#incarnation(),
      membershipHash: this.#security.membership.hash,
      generation: SHARD_GENERATION,
      time: this.#ports.clock.now(),
    }
  }

  #collect(credential: Credential, lanes: readonly SentCredentials[], into: Uint8Array[]): void {
    let isUnsent = false
    for (const lane of lanes) {
      if (lane.has(credential)) continue
      lane.add(credential)
      isUnsent = true
    }
    if (isUnsent) into.push(credential.bytes)
  }
}
