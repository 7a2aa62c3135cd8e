import { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import type { LastSeen } from './hello-message.ts'
import type { OwnEntry } from './own-entry.ts'
import type { StateHead } from './state-entry.ts'

/** `answer`: issue a new version. `duplicate`: an earlier life goes on, so this one stops. */
export type Verdict = 'ignore' | 'answer' | 'duplicate'

export const duplicateIdentity = (self: ContextId): AmcpError =>
  new AmcpError('ERR_DUPLICATE_IDENTITY', `another process lives under the key of ${self} and was there before`)

/**
 * Tells the remains of an earlier life, as after a crash, from another process that lives under the same key now. An
 * entry of a later life makes the earlier one issue an entry that names the other as rival. Nothing but a living
 * process can have named 128 bits that were drawn after it began, so that entry is its answer to a challenge.
 */
export class LivesOfSelf {
  readonly #own: OwnEntry
  readonly #incarnation: string

  constructor(own: OwnEntry, incarnation: string) {
    this.#own = own
    this.#incarnation = incarnation
  }

  /** Judges an entry under our key that somebody relayed; its signature is good. */
  seen({ incarnation, version, since, rival }: StateHead): Verdict {
    if (incarnation === this.#incarnation) return 'ignore'
    const isLater = since === this.#own.since ? incarnation > this.#incarnation : since > this.#own.since
    if (rival === this.#incarnation && !isLater) return 'duplicate'
    if (isLater) this.#own.answer(incarnation)
    else if (version < this.#own.version) return 'ignore'
    this.#own.exceed(version)
    return 'answer'
  }

  /** Judges what a peer says it has last seen of us; true when a new version must be issued above it. */
  remembered({ incarnation, version }: LastSeen): boolean {
    if (incarnation === this.#incarnation || version < this.#own.version) return false
    this.#own.exceed(version)
    return true
  }
}
