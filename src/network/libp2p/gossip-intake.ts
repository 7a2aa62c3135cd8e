import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import type { Ports } from '../../core/ports.ts'
import type { RejectScores } from './scoring.ts'
import { SeenIds } from './seen-ids.ts'

/** Of gossipsub's class, what its types keep private. */
interface Intake {
  handleReceivedMessage(from: PeerId, message: { readonly topic: string }): Promise<void>
  seenCache: SeenIds
  readonly score: { readonly deliveryRecords: { ensureRecord(id: string): DeliveryRecord } }
}

/** How a message came, for scores by topic, which a mesh does not have. */
interface DeliveryRecord {
  status: number
  firstSeenTsMs: number
  validated: number
  peers: Set<string>
}

export interface IntakeOptions {
  readonly ports: Ports
  readonly scores: RejectScores
}

/**
 * Bounds what gossipsub takes and remembers. As shipped it accepts messages on topics that nobody asked for, unjudged, goes
 * on with the rest of an RPC whose sender is silenced meanwhile, and keeps two records of each message for two minutes:
 * a member that sends tiny ones fills the memory. What nobody asked for costs no score: a neighbour may still think of what
 * this context subscribed to before it was started anew. To be called before the node starts.
 */
export function boundIntake(pubsub: GossipSub, { ports, scores }: IntakeOptions): void {
  const intake = pubsub as unknown as Intake
  const { clock, counters } = ports
  const take = intake.handleReceivedMessage.bind(pubsub)
  intake.handleReceivedMessage = (from, message) => {
    // Each topic that is subscribed to has its judge.
    if (!pubsub.topicValidators.has(message.topic)) counters.add('network.gossip.unasked')
    else if (scores.isSilenced(from.toString())) counters.add('network.gossip.silenced')
    else return take(from, message)
    return DROPPED
  }
  intake.seenCache = new SeenIds(clock)
  intake.score.deliveryRecords.ensureRecord = () => ({ status: 0, firstSeenTsMs: 0, validated: 0, peers: new Set() })
}

const DROPPED = Promise.resolve()
