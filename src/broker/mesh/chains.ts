import type { ContextId } from '../../core/ids.ts'
import { equalBytes } from '../../events/frame/bytes.ts'
import { AT_PREDECESSOR } from '../../events/frame/frame-header.ts'
import type { Frame } from '../../events/frame/frame-reader.ts'

/** Slots remembered per chain; a duplicate from further back is refused as old. */
const SLOTS = 32

/** Two signed headers for one slot: proof, without any body, that their publisher said two things. */
export interface Equivocation {
  readonly publisher: ContextId
  readonly n: number
  readonly first: Uint8Array
  readonly second: Uint8Array
}

interface Slot {
  readonly n: number
  readonly digest: Uint8Array
  /** Header and signature. */
  readonly proof: Uint8Array
}

export type SlotState = 'new' | 'seen' | 'old' | Equivocation

/** What has been seen of one chain of somebody's signed frames: (incarnation, shard, read class). */
export class ReceivedChain {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS).fill(undefined)
  #highest = -1
  isQuarantined = false

  /** Looks the frame's slot up without recording anything: whoever forges frames must not fill slots. */
  look(n: number, digest: Uint8Array): 'new' | 'seen' | 'old' | 'other' {
    if (n <= this.#highest - SLOTS) return 'old'
    const slot = this.#slots[n % SLOTS]
    if (slot === undefined || slot.n !== n) return 'new'
    return equalBytes(slot.digest, digest) ? 'seen' : 'other'
  }

  /** Records a frame whose signature is good; an equivocation quarantines the chain for good. */
  record(frame: Frame, n: number, predecessor: Uint8Array, digest: Uint8Array): SlotState {
    const state = this.look(n, digest)
    if (state === 'seen' || state === 'old') return state
    const proof = frame.bytes.slice(0, frame.header.bytes.length + (frame.signature?.length ?? 0))
    const same = state === 'other' ? this.#slots[n % SLOTS] : undefined
    const rival = same ?? this.#contradicts(n, predecessor, digest)
    if (rival !== undefined) {
      this.isQuarantined = true
      return { publisher: frame.publisher, n, first: rival.proof, second: proof }
    }
    // A slot left behind by older numbers is overwritten; one of a newer number cannot be here, or `look` had said old.
    this.#slots[n % SLOTS] = { n, digest, proof }
    if (n > this.#highest) this.#highest = n
    return 'new'
  }

  /** A neighbour in the chain whose digest does not fit: a fork, seen one step later. */
  #contradicts(n: number, predecessor: Uint8Array, digest: Uint8Array): Slot | undefined {
    const before = this.#slots[(n + SLOTS - 1) % SLOTS]
    if (before !== undefined && before.n === n - 1 && !equalBytes(before.digest, predecessor)) return before
    const after = this.#slots[(n + 1) % SLOTS]
    if (after === undefined || after.n !== n + 1) return undefined
    return equalBytes(predecessorIn(after.proof), digest) ? undefined : after
  }
}

const predecessorIn = (proof: Uint8Array): Uint8Array => proof.subarray(AT_PREDECESSOR, AT_PREDECESSOR + 32)

/** The chain of frames that this context signs: the next number, and the digest of the frame before. */
export class OwnChain {
  #n = 0
  #predecessor: Uint8Array = new Uint8Array(32)

  get n(): number {
    return this.#n
  }
  get predecessor(): Uint8Array {
    return this.#predecessor
  }

  /** @param digest of the header that was just signed with `n` and `predecessor` */
  signed(digest: Uint8Array): void {
    this.#n += 1
    this.#predecessor = digest
  }
}
