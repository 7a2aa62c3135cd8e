import type { PeerScoreParams, PeerScoreThresholds } from '@libp2p/gossipsub/score'
import type { Clock } from '../../core/clock.ts'
import type { ContextId } from '../../core/ids.ts'

/** Score that one rejected frame costs. The ninth reject in a row. */
const REJECT_COST = 10
/** Of not reading: below −50 gossipsub publishes nothing to a peer. */
const STALL_COST = 70
/** Below this score gossipsub drops what a peer sends. */
const GRAYLIST = -80
/** ms in which half of what rejects cost is forgiven. */
const HALF_LIFE = 60_000
const REMEMBERED_PEERS = 1_024

/** What frames that the judge rejected cost the peers that forwarded them. */
export class RejectScores {
  readonly #clock: Clock
  readonly #costs = new Map<ContextId, { cost: number; at: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  rejected(peer: ContextId): void {
    this.#charge(peer, REJECT_COST)
  }

  /** It did not read: it is sent nothing for half a minute, and heard. */
  stalled(peer: ContextId): void {
    this.#charge(peer, STALL_COST)
  }

  #charge(peer: ContextId, charge: number): void {
    const cost = charge - this.scoreOf(peer)
    this.#costs.delete(peer)
    this.#costs.set(peer, { cost, at: this.#clock.monotonic() })
    if (this.#costs.size > REMEMBERED_PEERS) this.#costs.delete(this.#costs.keys().next().value!)
  }

  /** Whether gossipsub hears nothing from it now; it looks once an RPC, and after a good time only at each 128th. */
  isSilenced(peer: ContextId): boolean {
    return this.scoreOf(peer) < GRAYLIST
  }

  /** 0 or below. */
  scoreOf(peer: ContextId): number {
    const known = this.#costs.get(peer)
    if (known === undefined) return 0
    return -known.cost * 0.5 ** ((this.#clock.monotonic() - known.at) / HALF_LIFE)
  }
}

export function scoreParams(rejects: RejectScores): Partial<PeerScoreParams> {
  return {
    topics: {},
    appSpecificScore: (peer) => rejects.scoreOf(peer),
    appSpecificWeight: 1,
    // Only admitted members are scored, and many of them on one machine or behind one router are no attack.
    IPColocationFactorWeight: 0,
    // With a message cache of one heartbeat an honest peer often cannot keep what its IHAVE promised.
    behaviourPenaltyWeight: -1,
    behaviourPenaltyThreshold: 50,
    behaviourPenaltyDecay: 0.9,
  }
}

export const scoreThresholds: Partial<PeerScoreThresholds> = {
  gossipThreshold: -20,
  publishThreshold: -50,
  graylistThreshold: GRAYLIST,
}
