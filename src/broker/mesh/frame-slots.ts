import type { Ports } from '../../core/ports.ts'
import type { Frame } from '../../events/frame/frame-reader.ts'
import type { Equivocation, ReceivedChain } from './chains.ts'
import type { PublisherStreams } from './received-streams.ts'

const MAX_EVIDENCE = 64

/** The places of signed frames in their chains: what was seen, and who said two things in one place. */
export class FrameSlots {
  readonly #ports: Ports
  /** Proofs that publishers said two things in one place, the latest ones. */
  readonly evidence: Equivocation[] = []

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** Whether the frame's slot is taken; a look-up only. */
  look(frame: Frame, streams: PublisherStreams | undefined): 'quarantined' | 'seen' | 'old' | undefined {
    if (streams === undefined) return undefined
    const chain = chainOf(frame, streams)
    if (chain === undefined) return undefined
    if (chain.isQuarantined) return 'quarantined'
    const state = chain.look(frame.header.place!.n, frame.headerDigest(this.#ports.crypto))
    return state === 'seen' || state === 'old' ? state : undefined
  }

  /** Takes the slot for a frame that passed everything else. */
  record(frame: Frame, streams: PublisherStreams): 'equivocation' | 'seen' | 'old' | undefined {
    const chain = chainOf(frame, streams)
    if (chain === undefined) return undefined
    const { n, predecessor } = frame.header.place!
    const state = chain.record(frame, n, predecessor, frame.headerDigest(this.#ports.crypto))
    if (state === 'new') return undefined
    if (typeof state === 'string') return state
    if (this.evidence.length >= MAX_EVIDENCE) this.evidence.shift()
    this.evidence.push(state)
    this.#ports.logger.error({ publisher: state.publisher, n: state.n }, 'two frames for one slot: quarantined')
    return 'equivocation'
  }
}

/** Undefined for an unsigned frame, which lies in none. */
function chainOf({ header }: Frame, streams: PublisherStreams): ReceivedChain | undefined {
  if (header.chain === 'none') return undefined
  return header.chain === 'link' ? streams.linkChain : streams.chain(header.shard)
}
