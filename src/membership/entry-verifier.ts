import { CLOCK_BEHIND } from '../core/clock-tolerance.ts'
import { AmcpError } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import type { MemberCredentials } from './member-credentials.ts'
import type { OwnerPace } from './owner-pace.ts'
import { decodeBody } from './state-body.ts'
import type { StateEntry, StateHead } from './state-entry.ts'
import { decodeHead, FLAG_LEFT, isSignedByOwner, shortDigest } from './state-entry.ts'
import type { StateMap } from './state-map.ts'
import type { EntryRecord } from './state-messages.ts'

/** What a record turned out to be; `incomplete` = genuine, but the body or membership that it names is not here. */
export type Judged =
  /** `age`: ms since its owner issued it, at least. */
  | { readonly outcome: 'new'; readonly head: StateHead; readonly entry: StateEntry; readonly age: number }
  | { readonly outcome: 'known'; readonly head: StateHead }
  | { readonly outcome: 'incomplete'; readonly head: StateHead }
  /** Genuine, but its owner has had too many of late. */
  | { readonly outcome: 'early'; readonly head: StateHead }
  /** `isForged`: no honest neighbour passes it on, whatever version it runs and wherever its clock stands. */
  | { readonly outcome: 'refused'; readonly head: StateHead | undefined; readonly isForged: boolean }

export interface EntryVerifierComponents {
  readonly ports: Ports
  readonly credentials: MemberCredentials
  readonly map: StateMap
  readonly pace: OwnerPace
}

/** Decides whether a record that some neighbour relayed is its owner's word, and whether the owner is a member. */
export class EntryVerifier {
  readonly #ports: Ports
  readonly #credentials: MemberCredentials
  readonly #map: StateMap
  readonly #pace: OwnerPace

  constructor({ ports, credentials, map, pace }: EntryVerifierComponents) {
    this.#ports = ports
    this.#credentials = credentials
    this.#map = map
    this.#pace = pace
  }

  judge(record: EntryRecord): Judged {
    let head: StateHead | undefined
    try {
      head = decodeHead(record.head)
      return this.#judgeHead(head, record)
    } catch (error) {
      if (!(error instanceof AmcpError)) throw error
      this.#ports.counters.add(`membership.entry.refused.${error.code}`)
      return { outcome: 'refused', head, isForged: error.code === 'ERR_SIGNATURE_INVALID' }
    }
  }

  #judgeHead(head: StateHead, record: EntryRecord): Judged {
    const held = this.#map.get(head.context)
    // An older version is no news, whoever made it: not worth a signature check. An equal one may be another life's.
    if (held !== undefined && head.version <= held.head.version && head.incarnation === held.head.incarnation)
      return { outcome: 'known', head }
    if (!isSignedByOwner(this.#ports.crypto, head, record.head, record.signature))
      throw new AmcpError('ERR_SIGNATURE_INVALID', `an entry of ${head.context} is not signed by it`)
    const bodyBytes = record.body ?? (held?.head.body === head.body ? held.bodyBytes : undefined)
    const membership = record.membership ?? (held?.head.membership === head.membership ? held.membership : undefined)
    if (bodyBytes === undefined || membership === undefined) return { outcome: 'incomplete', head }
    // Behind the signature, or a neighbour could use up an owner's turns by forging it; before all that costs by size.
    const news = held?.head.body === head.body ? 0 : bodyBytes.length
    if (held !== undefined && !this.#pace.mayTake(head.context, news)) return { outcome: 'early', head }
    this.#checkDigest('body', bodyBytes, head.body)
    this.#checkDigest('membership', membership, head.membership)
    const now = this.#ports.clock.now()
    // Whoever leaves may do so with a membership that has just expired, but it must be the one that was checked before:
    // entries of strangers that "leave" would fill everybody's map.
    const isLeaving = (head.flags & FLAG_LEFT) !== 0 && held?.head.membership === head.membership
    if (!isLeaving) this.#credentials.check(head.context, membership, now)
    const body = held?.head.body === head.body ? held.body : decodeBody(bodyBytes)
    const entry = { head, headBytes: record.head, signature: record.signature, body, bodyBytes, membership }
    // A version is never below its owner's wall clock, so a relay cannot make an old entry younger than that.
    return { outcome: 'new', head, entry, age: Math.max(record.age, now - head.version - CLOCK_BEHIND) }
  }

  #checkDigest(what: string, bytes: Uint8Array, digest: string): void {
    if (shortDigest(this.#ports.crypto, bytes) !== digest)
      throw new AmcpError('ERR_FRAME_INVALID', `the ${what} is not the one its head names`, {
        details: { reason: what },
      })
  }
}
