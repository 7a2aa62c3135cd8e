import { CLOCK_AHEAD } from '../core/clock-tolerance.ts'
import type { Crypto } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import type { Network } from '../network/network.ts'
import type { Hello, LastSeen } from './hello-message.ts'
import type { OwnEntry } from './own-entry.ts'
import { provesLife, type SignOfLife } from './sign-of-life.ts'
import type { StateHead } from './state-entry.ts'
import type { StateExchange } from './state-exchange.ts'

/** `answer`: issue a new version. `duplicate`: an earlier life goes on, so this one stops. */
export type Verdict = 'ignore' | 'answer' | 'duplicate'

/** Words of peers about earlier lives that are heeded in this one. */
const HEEDED_LIMIT = 64

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
  #heeded = 0

  constructor(own: OwnEntry, incarnation: string) {
    this.#own = own
    this.#incarnation = incarnation
  }

  /** Whether another process under our key has signed, after our hello: then this one is the later. */
  isProof(crypto: Crypto, self: ContextId, nonce: string, alive: SignOfLife): boolean {
    return alive.incarnation !== this.#incarnation && provesLife(crypto, self, nonce, alive)
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

  /**
   * Judges what a peer says it has last seen of us; true when a new version must be issued above it. Nobody signed that:
   * a version that no clock can have made yet is not believed, or one word would lift ours beyond what can be counted.
   * If it is true nevertheless, the entry itself comes back by the map.
   * @param now wall time, ms
   */
  remembered({ incarnation, version }: LastSeen, now: number): boolean {
    if (incarnation === this.#incarnation || version < this.#own.version || version > now + CLOCK_AHEAD) return false
    // Each is told to the whole mesh: after those of the first neighbours it is a game.
    if (this.#heeded >= HEEDED_LIMIT) return false
    this.#heeded += 1
    this.#own.exceed(version)
    return true
  }
}

/**
 * The sign of life of another life of the peer than the one that says hello is linked to us, if it answers a challenge. Only one that is
 * linked can be asked; one that is elsewhere answers through the map. A dead link beside a living one goes together with
 * it, since which of them a stream would take is chance: ERR_NOT_CONNECTED, and the peer dials anew.
 */
export async function aliveElsewhere(
  exchange: StateExchange,
  network: Network,
  peer: ContextId,
  hello: Hello,
): Promise<SignOfLife | undefined> {
  const linked = exchange.incarnationOf(peer)
  if (linked === undefined || linked === hello.incarnation) return undefined
  const alive = await exchange.challenge(peer, hello.nonce)
  if (alive !== undefined || exchange.incarnationOf(peer) !== linked) return alive
  await network.disconnect(peer)
  throw new AmcpError('ERR_NOT_CONNECTED', `the dead link of an earlier life of ${peer} was dropped`)
}
