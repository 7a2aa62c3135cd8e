import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import { agentOfTopic } from '../../events/topic.ts'
import type { Members } from '../../membership/members.ts'

export interface LaneChoiceOptions {
  /**
   * `auto` sends directly while few contexts listen and all of them are known, and gossips otherwise. The others force a
   * lane, for measurements: `direct` sends to those who are known to listen. What is for one agent always goes directly.
   * @default 'auto'
   */
  lane?: 'auto' | 'direct' | 'gossip'
  /**
   * Largest audience that is served directly. Higher saves signatures and relaying; each receiver costs a copy.
   * @default 8
   */
  directLimit?: number
}

/** Contexts to send to directly, `gossip`, or nobody elsewhere. */
export type Destination = readonly ContextId[] | 'gossip' | undefined

const alone = new Map<ContextId, readonly ContextId[]>()
const MAX_ALONE = 4_096

/** The same one-element array for the same context, since lanes know audiences by identity. */
function only(context: ContextId): readonly ContextId[] {
  let audience = alone.get(context)
  if (audience === undefined) {
    if (alone.size >= MAX_ALONE) alone.clear()
    audience = [context]
    alone.set(context, audience)
  }
  return audience
}

/** Chooses the lane of a topic. ERR_AGENT_UNKNOWN for a topic of an agent whose context is not known. */
export function chooseLane(
  topic: string,
  members: Pick<Members, 'self' | 'audienceOf' | 'listenersOf' | 'contextOfAgent'>,
  { lane = 'auto', directLimit = 8 }: LaneChoiceOptions,
): Destination {
  const agent = agentOfTopic(topic)
  if (agent !== undefined) {
    const context = members.contextOfAgent(agent)
    if (context === undefined)
      throw new AmcpError('ERR_AGENT_UNKNOWN', `no context of the mesh is known to host the agent ${agent}`, {
        retryable: true,
        details: { agent },
      })
    return context === members.self ? undefined : only(context)
  }
  if (lane === 'gossip') return 'gossip'
  const audience = lane === 'direct' ? members.listenersOf(topic) : members.audienceOf(topic)
  if (audience === undefined) return 'gossip'
  if (audience.length === 0) return undefined
  return lane === 'direct' || audience.length <= directLimit ? audience : 'gossip'
}
