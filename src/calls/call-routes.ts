import type { Clock } from '../core/clock.ts'
import { AmcpError } from '../core/errors.ts'
import { type ContextId, isAgentId } from '../core/ids.ts'
import { LruCache } from '../core/lru-cache.ts'
import type { LocatedOffer } from '../membership/members.ts'
import type { Directory, LocalAgents } from './directory.ts'
import { LatelyFailed } from './lately-failed.ts'
import type { OutgoingCall } from './outgoing-call.ts'

export interface CallRoutesComponents {
  readonly clock: Clock
  readonly directory: Directory
  readonly agents: LocalAgents
  /** Whether a way to the context is being made and may turn out not to exist. */
  isInDoubt(context: ContextId): boolean
}

/** How long a lost, unreachable or refusing provider comes last, in ms. An entry of a dead context lives 30 s. */
const LAST_MS = 5_000
/** Capabilities whose turn is remembered; one that is forgotten begins anew with the first provider. */
const MAX_TURNS = 4_096

/** Chooses who gets a call: an agent here, else providers in turn, those that failed lately last and none twice. */
export class CallRoutes {
  readonly #parts: CallRoutesComponents
  readonly #failed: LatelyFailed
  #present: readonly ContextId[] = []
  #members: ReadonlySet<ContextId> = new Set()
  /**
   * By capability, where the search for the next provider begins. As `Providers` does it for the agents here: with one turn for
   * all, calls that alternate between two capabilities would each meet the same provider again. Not beside the offers, since
   * those are listed anew with every change in the mesh.
   */
  readonly #turns = new LruCache<string, number>(MAX_TURNS)

  constructor(components: CallRoutesComponents) {
    this.#parts = components
    this.#failed = new LatelyFailed(components.clock, LAST_MS)
  }

  /** A context was lost or could not be reached, or an agent refused a call: others first, for some time. */
  demote(name: string): void {
    this.#failed.add(name)
  }

  /** There is a way to the context again. */
  restore(context: ContextId): void {
    this.#failed.delete(context)
  }

  isPresent(context: ContextId | undefined): boolean {
    const { present } = this.#parts.directory
    if (present !== this.#present) {
      this.#present = present
      this.#members = new Set(present)
    }
    return context !== undefined && this.#members.has(context)
  }

  /** Sets the call's target; returns the fault that makes further waiting pointless. */
  choose(call: OutgoingCall): AmcpError | undefined {
    const { agents, directory } = this.#parts
    const local = isAgentId(call.wanted) ? agents.get(call.wanted) : agents.offering(call.wanted)
    if (local !== undefined) {
      call.target = local.id
      call.context = directory.self
      return undefined
    }
    return isAgentId(call.wanted) ? this.#toAgent(call) : this.#toProvider(call)
  }

  #toAgent(call: OutgoingCall): AmcpError | undefined {
    const { directory } = this.#parts
    const origin = directory.contextOfAgent(call.wanted)
    // An origin that has left the mesh is remembered, but nobody answers there.
    const context = origin === directory.self || this.isPresent(origin) ? origin : undefined
    if (context === directory.self || (context === undefined && directory.isConverged)) {
      return new AmcpError('ERR_AGENT_UNKNOWN', `no agent ${call.wanted} in the mesh`, {
        details: { agent: call.wanted },
      })
    }
    if (context === undefined) return undefined
    if (call.tried?.has(context)) return targetUnreachable(call)
    call.target = call.wanted
    call.context = context
    return undefined
  }

  #toProvider(call: OutgoingCall): AmcpError | undefined {
    const { offers, complete } = this.#parts.directory.offersOf(call.wanted)
    const offer = this.#next(call.wanted, offers, call.tried)
    if (offer !== undefined) {
      call.target = offer.agent
      call.context = offer.context
      return undefined
    }
    // All that are known were tried in vain: to wait for another could last until the deadline.
    if (call.tried !== undefined) return targetUnreachable(call)
    if (!complete) return undefined
    return new AmcpError('ERR_CAPABILITY_UNKNOWN', `nobody in the mesh offers ${call.wanted}`, {
      details: { capability: call.wanted },
    })
  }

  #next(
    capability: string,
    offers: readonly LocatedOffer[],
    tried: ReadonlySet<ContextId> | undefined,
  ): LocatedOffer | undefined {
    const start = this.#turns.get(capability) ?? 0
    let next = start
    let best: LocatedOffer | undefined
    let bestRank = Number.POSITIVE_INFINITY
    for (let at = 0; at < offers.length; at++) {
      const offer = offers[(start + at) % offers.length]!
      // Our own offers were looked for among the local agents: one that is still listed has gone.
      if (offer.context === this.#parts.directory.self || tried?.has(offer.context)) continue
      const rank = this.#rankOf(offer)
      if (rank >= bestRank) continue
      best = offer
      bestRank = rank
      next = start + at + 1
      if (rank === 0) break
    }
    if (best !== undefined) this.#turns.set(capability, next % offers.length)
    return best
  }

  /** 0 is best. */
  #rankOf({ context, agent }: LocatedOffer): number {
    if (this.#failed.has(context) || this.#failed.has(agent)) return 2
    return this.#parts.isInDoubt(context) ? 1 : 0
  }
}

function targetUnreachable(call: OutgoingCall): AmcpError {
  return new AmcpError('ERR_CALL_TARGET_LOST', `nobody who serves ${call.wanted} could be reached`, {
    retryable: true,
    details: { target: call.wanted, tried: [...(call.tried ?? [])], sent: false },
  })
}
