import type { AgentId, ContextId } from '../../../src/core/ids.ts'
import { matches } from '../../../src/events/pattern.ts'
import { shardsOfPatterns } from '../../../src/events/shard.ts'
import type { LocatedOffer, Members, Relays } from '../../../src/membership/members.ts'
import type { Network } from '../../../src/network/network.ts'

export interface FakeMember {
  readonly id: ContextId
  readonly incarnation: Uint8Array
  readonly membership: Uint8Array
  hosts(agent: AgentId): boolean
  /** Its links. */
  readonly network: Pick<Network, 'peers'>
}

/** What all members of a fake mesh know of each other at once, with switches for what they do not know. */
export class FakeMesh {
  readonly members = new Map<ContextId, { member: FakeMember; patterns: readonly string[]; view: FakeMembers }>()
  /** Patterns of members are known to all. */
  isKnown = true
  /** Memberships are told to all. */
  areMembershipsTold = true
  /** Shards that everybody joins although nobody listens: for relaying. */
  extraShards: readonly number[] = []
  /** As in a mesh of more than 64: who listens in a shard passes it on, nobody else. */
  isLarge = false

  join(member: FakeMember): FakeMembers {
    const view = new FakeMembers(this, member)
    this.members.set(member.id, { member, patterns: [], view })
    this.changed()
    return view
  }

  /** Shards that these, all of them, are to pass on. */
  shardsOf(contexts: readonly ContextId[]): ReadonlySet<number> {
    const patterns = contexts.flatMap((context) => this.members.get(context)?.patterns ?? [])
    return new Set([...this.extraShards, ...shardsOfPatterns(patterns)])
  }

  leave(id: ContextId): void {
    this.members.delete(id)
    this.changed()
  }

  changed(): void {
    for (const { view } of this.members.values()) view.changed()
  }
}

export class FakeMembers implements Members {
  readonly self: ContextId
  readonly incarnation: Uint8Array
  readonly unconfirmed: readonly ContextId[] = []
  readonly isConverged = true
  readonly announced: (readonly string[])[] = []
  announceFails = false
  present: readonly ContextId[] = []
  /** Shards that links were asked for. */
  readonly sought: number[] = []
  readonly #mesh: FakeMesh
  readonly #network: FakeMember['network']
  readonly #listeners = new Set<() => void>()
  readonly #holders: ((context: ContextId) => boolean)[] = []
  #audiences = new Map<string, readonly ContextId[]>()

  constructor(mesh: FakeMesh, { id, incarnation, network }: FakeMember) {
    this.#mesh = mesh
    this.#network = network
    this.self = id
    this.incarnation = incarnation
  }

  holdLinks(isUsed: (context: ContextId) => boolean): void {
    this.#holders.push(isUsed)
  }

  /** Whether the broker says that the link was used since it was asked last. */
  isHeld(context: ContextId): boolean {
    return this.#holders.filter((isUsed) => isUsed(context)).length > 0
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  changed(): void {
    const present = [...this.#mesh.members.keys()].filter((id) => id !== this.self).sort()
    if (present.join() !== this.present.join()) this.present = present
    this.#audiences = new Map()
    for (const listener of this.#listeners) listener()
  }

  incarnationOf(context: ContextId): Uint8Array | undefined {
    return this.#mesh.members.get(context)?.member.incarnation
  }

  contextOfAgent(agent: AgentId): ContextId | undefined {
    for (const { member } of this.#mesh.members.values()) if (member.hosts(agent)) return member.id
    return undefined
  }

  membershipOf(context: ContextId): Uint8Array | undefined {
    return this.#mesh.areMembershipsTold ? this.#mesh.members.get(context)?.member.membership : undefined
  }

  async announcePatterns(patterns: readonly string[]): Promise<void> {
    if (this.announceFails) throw new Error('nobody hears')
    this.announced.push(patterns)
    const entry = this.#mesh.members.get(this.self)
    if (entry !== undefined) entry.patterns = patterns.filter((one) => !one.startsWith('amcp.agent.'))
    this.#mesh.changed()
  }

  async announceOffers(): Promise<void> {}

  offersOf(): { offers: readonly LocatedOffer[]; complete: boolean } {
    return { offers: [], complete: true }
  }

  audienceOf(topic: string): readonly ContextId[] | undefined {
    return this.#mesh.isKnown ? this.listenersOf(topic) : undefined
  }

  listenersOf(topic: string): readonly ContextId[] {
    let audience = this.#audiences.get(topic)
    if (audience === undefined) {
      audience = this.present.filter((id) => this.#mesh.members.get(id)!.patterns.some((one) => matches(one, topic)))
      this.#audiences.set(topic, audience)
    }
    return audience
  }

  get relays(): Relays {
    const { present, self } = this
    const shardsOf = (context: ContextId): ReadonlySet<number> =>
      this.#mesh.shardsOf(this.#mesh.isLarge ? [context] : [...present, self])
    return {
      shards: shardsOf(self),
      has: (context, shard) => shardsOf(context).has(shard),
      hasOther: (shard) => present.some((context) => shardsOf(context).has(shard)),
    }
  }

  neighboursIn(shard: number): number {
    return this.#network.peers.filter((peer) => this.relays.has(peer, shard)).length
  }

  seekRelays(shard: number): void {
    this.sought.push(shard)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
