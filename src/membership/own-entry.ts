import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { MemberCredentials } from './member-credentials.ts'
import { encodeBody, encodeOffers, encodeOwnOffers, type StateBody } from './state-body.ts'
import { encodeHead, FLAG_ACKNOWLEDGE, FLAG_LEFT, type StateEntry, shortDigest } from './state-entry.ts'

/** What this context says of itself, and the version it says it under. */
export class OwnEntry {
  readonly #ports: Pick<Ports, 'clock' | 'crypto'>
  readonly #credentials: MemberCredentials
  readonly #context: ContextId
  readonly #incarnation: string
  #version = 0
  #since = 0
  #rival = ''
  #body: StateBody = { addresses: [], patterns: [], offers: [] }
  /** Kept, since it may be large and changes less often than the rest. */
  #offersText = encodeOffers([])
  #bodyBytes: Uint8Array = encodeBody(this.#body)
  #bodyDigest = ''

  /** @param incarnation 16 bytes in hex */
  constructor(
    ports: Pick<Ports, 'clock' | 'crypto'>,
    credentials: MemberCredentials,
    context: ContextId,
    incarnation: string,
  ) {
    this.#ports = ports
    this.#credentials = credentials
    this.#context = context
    this.#incarnation = incarnation
    this.#bodyDigest = shortDigest(ports.crypto, this.#bodyBytes)
  }

  get version(): number {
    return this.#version
  }

  get since(): number {
    return this.#since
  }

  get bodyDigest(): string {
    return this.#bodyDigest
  }

  /** Begins above everything that the store or a peer remembers of earlier lives. */
  begin(stored: number): void {
    this.#version = Math.max(stored + 1, this.#ports.clock.now(), this.#version + 1)
    this.#since = this.#version
  }

  /** Somebody has seen this version of an earlier life: the next one issued lies above it. */
  exceed(version: number): void {
    this.#version = Math.max(this.#version, version)
  }

  /** Another life of this key has appeared: the next entry tells it that this one lives. */
  answer(rival: string): void {
    this.#rival = rival
  }

  /**
   * Replaces parts of the body. What others would refuse is refused here, and nothing is changed then: ERR_ENTRY_TOO_LARGE
   * above 20,000 offers or 800 KiB of them, TypeError for an offer that is none. The caller sees to it that addresses and
   * patterns are within their limits; with them a body always fits.
   */
  change({ offers, ...rest }: Partial<StateBody>): void {
    const offersText = offers === undefined ? this.#offersText : encodeOwnOffers(offers)
    this.#body = { ...this.#body, ...rest, ...(offers === undefined ? {} : { offers }) }
    this.#offersText = offersText
    this.#bodyBytes = encodeBody(this.#body, offersText)
    this.#bodyDigest = shortDigest(this.#ports.crypto, this.#bodyBytes)
  }

  /** A new version, signed. */
  issue({ acknowledge = false, left = false }: { acknowledge?: boolean; left?: boolean }): StateEntry {
    const { crypto, clock } = this.#ports
    this.#version = Math.max(this.#version + 1, clock.now())
    const membership = this.#credentials.own
    const head = {
      context: this.#context,
      incarnation: this.#incarnation,
      version: this.#version,
      since: this.#since,
      flags: (acknowledge ? FLAG_ACKNOWLEDGE : 0) | (left ? FLAG_LEFT : 0),
      rival: this.#rival,
      body: this.#bodyDigest,
      membership: shortDigest(crypto, membership),
    }
    const headBytes = encodeHead(head)
    const signature = this.#credentials.sign(headBytes)
    return { head, headBytes, signature, body: this.#body, bodyBytes: this.#bodyBytes, membership }
  }
}
