import type { AgentId, ContextId } from '../../../src/core/ids.ts'
import { contains, matches } from '../../../src/events/pattern.ts'
import { DEFAULT_SHARD_COUNT, shardsOfPattern } from '../../../src/events/shard.ts'
import type { LocatedOffer, Members } from '../../../src/membership/members.ts'

export interface FakeMember {
  readonly id: ContextId
  readonly incarnation: Uint8Array
  readonly membership: Uint8Array
  hosts(agent: AgentId): boolean
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

  join(member: FakeMember): FakeMembers {
    const view = new FakeMembers(this, member)
    this.members.set(member.id, { member, patterns: [], view })
    this.changed()
    return view
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
  readonly #mesh: FakeMesh
  readonly #listeners = new Set<() => void>()
  #audiences = new Map<string, readonly ContextId[]>()

  constructor(mesh: FakeMesh, { id, incarnation }: FakeMember) {
    this.#mesh = mesh
    this.self = id
    this.incarnation = incarnation
  }

  holdLinks(): void {}
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

  get shards(): ReadonlySet<number> {
    const shards = new Set<number>(this.#mesh.extraShards)
    for (const { patterns } of this.#mesh.members.values())
      for (const pattern of patterns) {
        const some = shardsOfPattern(pattern)
        const all = contains(pattern, 'amcp.>') || some === 'all'
        for (const shard of all ? Array.from({ length: DEFAULT_SHARD_COUNT }).keys() : some) shards.add(shard)
      }
    return shards
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
