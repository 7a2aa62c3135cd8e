import type { Timer } from '../core/clock.ts'
import { deadline } from '../core/deadline.ts'
import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { Network } from '../network/network.ts'
import { Neighbourhood } from './neighbourhood.ts'
import type { ShardRelays } from './relays.ts'
import { ENOUGH_LINKS, SpareLinks } from './spare-links.ts'
import { hasLeft, type StateMap } from './state-map.ts'
import type { MembershipTiming } from './timing.ts'

export interface ConnectorComponents {
  ports: Ports
  network: Network
  map: StateMap
  relays: ShardRelays
  /** An attempt to dial has ended, well or not. @param unreachable given addresses where nobody has answered yet */
  tried(unreachable: number): void
}

export interface ConnectorOptions {
  /** Addresses that this context joins by, and by which it finds back after a partition. */
  addresses: readonly string[]
  /** False links to the given addresses only: how tests make a line or a ring. */
  dialBeyond: boolean
}

/** Why somebody is dialled: a given address, a member chosen or gone missing, or a find of mDNS. */
type Kind = 'address' | 'member' | 'discovered'

/** Somebody or some address to be linked to, and how it went so far. */
interface Target {
  readonly kind: Kind
  readonly dial: (signal: AbortSignal) => Promise<ContextId>
  peer: ContextId | undefined
  attempt: number
  timer: Timer | undefined
  isDialling: boolean
}

/** Lost and discovered peers that are dialled again; beyond that the oldest is given up. */
const TARGET_LIMIT = 256
/** Attempts for a peer that is no member any more: with the longest wait some 20 minutes. */
const LOST_ATTEMPTS = 128
/** Ms for one dial; a black-holed address answers never. */
const DIAL_TIME = 10_000
/** Attempts after which the wait is the longest. */
const LONGEST = 20

/**
 * Makes and keeps the links that this context should have: to the given addresses until it is in a mesh, then to its
 * chosen neighbours, then again to addresses and members that went missing. Dials after failures with growing, random
 * waits. Links that others or the broker made end when neither end has chosen or used them for a while.
 */
export class Connector {
  readonly #ports: Ports
  readonly #network: Network
  readonly #map: StateMap
  readonly #relays: ShardRelays
  readonly #tried: (unreachable: number) => void
  readonly #timing: MembershipTiming
  readonly #options: ConnectorOptions
  readonly #targets = new Map<string, Target>()
  readonly #neighbourhood: Neighbourhood
  readonly #spare: SpareLinks
  #members: readonly ContextId[] | undefined
  #unlisten: (() => void) | undefined
  #isRunning = false

  constructor(components: ConnectorComponents, timing: MembershipTiming, options: ConnectorOptions) {
    const { ports, network, map, relays, tried } = components
    this.#ports = ports
    this.#network = network
    this.#map = map
    this.#relays = relays
    this.#tried = tried
    this.#timing = timing
    this.#options = options
    this.#neighbourhood = new Neighbourhood({ ...ports, map, relays, timing }, network.id)
    this.#spare = new SpareLinks({ ports, network, map, neighbourhood: this.#neighbourhood })
  }

  /** Returns how many addresses there are to join by, those of this context itself not counted. */
  start(): number {
    this.#isRunning = true
    this.#unlisten = this.#network.onPeer({
      discovered: (peer, addresses) => this.#discovered(peer, addresses),
      disconnected: () => this.review(),
    })
    for (const address of this.#options.addresses) {
      if (this.#network.addresses.includes(address)) continue
      this.#add(address, 'address', (signal) => this.#network.dial(address, { signal }))
    }
    const addresses = this.#targets.size
    this.review()
    return addresses
  }

  stop(): void {
    this.#isRunning = false
    this.#unlisten?.()
    for (const target of this.#targets.values()) target.timer?.cancel()
    this.#targets.clear()
  }

  /** Given addresses where nobody has answered yet, although they were tried. */
  get #unreachable(): number {
    let count = 0
    for (const { peer, attempt, isDialling } of this.#targets.values())
      if (peer === undefined && attempt > 0 && !isDialling) count += 1
    return count
  }

  /** Whether the peer answered at one of the given addresses. */
  isInvited(peer: ContextId): boolean {
    for (const target of this.#targets.values()) if (target.kind === 'address' && target.peer === peer) return true
    return false
  }

  /** A peer that refused us or that we refused: the next dial waits the longest. */
  refused(peer: ContextId): void {
    for (const target of this.#targets.values())
      if (target.peer === peer) target.attempt = Math.max(target.attempt, LONGEST)
  }

  /** The hello went well: the next failure of this peer starts with short waits again. */
  admitted(peer: ContextId): void {
    for (const target of this.#targets.values()) if (target.peer === peer) target.attempt = 0
  }

  /** Keeps links that are used: `Members.holdLinks`. */
  hold(isUsed: (peer: ContextId) => boolean): void {
    this.#spare.hold(isUsed)
  }

  /** Members linked to, or chosen to be, that pass on the shard: `Members.neighboursIn`. */
  neighboursIn(shard: number): number {
    const linked = this.#network.peers.filter((peer) => this.#network.isAdmitted(peer) && this.#relays.has(peer, shard))
    return new Set([...linked, ...this.#neighbourhood.chosenIn(shard)]).size
  }

  /** `Members.seekRelays`. */
  seekRelays(shard: number): void {
    if (this.#neighbourhood.seek(shard)) this.review()
  }

  /** Dials whoever should be linked and is not. To be called when members or links have changed. */
  review(): void {
    if (!this.#isRunning) return
    this.#choose()
    for (const [key, target] of this.#targets) {
      if (target.isDialling || target.timer !== undefined) continue
      if (this.#isGivenUp(target)) this.#targets.delete(key)
      else if (this.#isNeeded(target)) this.#schedule(key, target)
    }
  }

  /** Once a period. */
  upkeep(): void {
    this.review()
    this.prune()
  }

  /** Ends links that no end needs. */
  prune(): void {
    if (this.#options.dialBeyond) this.#spare.prune()
  }

  get #chosen(): ReadonlySet<ContextId> {
    return this.#neighbourhood.chosen
  }

  #choose(): void {
    if (!this.#options.dialBeyond) return
    this.#neighbourhood.refresh()
    for (const peer of this.#chosen) this.#addPeer(peer, 'member')
    const { members } = this.#map
    if (members === this.#members) return
    const before = new Set(this.#members)
    this.#members = members
    // Those that have just gone missing without a word are looked for, so that a healed partition finds together.
    for (const member of before)
      if (member !== this.#network.id && this.#map.get(member) === undefined) this.#addPeer(member, 'member')
    for (const member of members) if (!before.has(member)) this.#isThere(member)
  }

  /** Whatever dials of it have come to while it was missing, from now on it is dialled like anybody else. */
  #isThere(member: ContextId): void {
    const target = this.#targets.get(member)
    if (target === undefined) return
    target.timer?.cancel()
    target.timer = undefined
    target.attempt = 0
  }

  #discovered(peer: ContextId, addresses: readonly string[]): void {
    if (!this.#options.dialBeyond || peer === this.#network.id) return
    this.#network.remember(peer, addresses)
    this.#addPeer(peer, 'discovered')
    this.review()
  }

  #addPeer(peer: ContextId, kind: Kind): void {
    this.#add(peer, kind, (signal) => this.#network.connect(peer, { signal }).then(() => peer))
  }

  #add(key: string, kind: Kind, dial: Target['dial']): void {
    if (this.#targets.has(key)) return
    const peer = kind === 'address' ? undefined : key
    this.#targets.set(key, { kind, dial, peer, attempt: 0, timer: undefined, isDialling: false })
    if (this.#targets.size <= TARGET_LIMIT) return
    for (const [oldest, target] of this.#targets) {
      if (target.kind === 'address' || this.#chosen.has(oldest)) continue
      target.timer?.cancel()
      this.#targets.delete(oldest)
      return
    }
  }

  #isNeeded({ peer }: Target): boolean {
    if (peer === this.#network.id) return false
    if (peer !== undefined && this.#network.isConnected(peer)) return false
    if (!this.#options.dialBeyond || peer === undefined) return true
    if (this.#chosen.has(peer)) return true
    // With an entry: present, but not chosen, so linked to others. Or gone in good order.
    return this.#map.get(peer) === undefined
  }

  /** Gone in good order, or missing and looked for in vain for too long; a given address is never given up. */
  #isGivenUp({ kind, peer, attempt }: Target): boolean {
    if (kind === 'address' || peer === undefined || this.#chosen.has(peer)) return false
    const entry = this.#map.get(peer)
    if (entry !== undefined) return hasLeft(entry)
    return attempt >= LOST_ATTEMPTS && !this.#network.isConnected(peer)
  }

  #schedule(key: string, target: Target): void {
    const wait = this.#wait(target)
    if (wait === 0) {
      void this.#dial(key, target)
      return
    }
    target.timer = this.#ports.clock.after(wait, () => {
      target.timer = undefined
      if (!this.#isRunning) return
      if (this.#isGivenUp(target)) this.#targets.delete(key)
      else if (this.#isNeeded(target)) void this.#dial(key, target)
    })
  }

  /** Ms to wait. Where both ends choose each other, as in a full mesh, the larger id leaves the first dial to the smaller. */
  #wait({ kind, attempt, peer }: Target): number {
    const { redial, redialMax } = this.#timing
    if (attempt > 0)
      return Math.min(redialMax, redial * 2 ** Math.min(attempt, 30)) * (1 - this.#ports.random.float() / 2)
    // Of the many that mDNS finds at once a few are enough to learn of the rest; then the choice is ours again.
    if (kind === 'discovered' && this.#linked >= ENOUGH_LINKS) return redialMax
    if (kind === 'address' || this.#linked === 0) return 0
    const { settle } = this.#timing
    const wait = settle * (1 + this.#ports.random.float())
    const isLeft = peer !== undefined && this.#network.id > peer && this.#neighbourhood.isMutual(peer)
    return isLeft ? wait + settle : wait
  }

  /** Links that are there or being made. */
  get #linked(): number {
    let count = this.#network.peers.length
    for (const { isDialling } of this.#targets.values()) if (isDialling) count += 1
    return count
  }

  async #dial(key: string, target: Target): Promise<void> {
    target.isDialling = true
    // Counted as a failure until hello succeeds: a peer that answers and then refuses must not be dialled in a loop.
    target.attempt += 1
    try {
      using limit = deadline(this.#ports.clock, DIAL_TIME)
      target.peer = await target.dial(limit.signal)
      if (target.peer === this.#network.id) this.#ports.counters.add('membership.dial.self')
    } catch (error) {
      this.#ports.counters.add('membership.dial.failed')
      this.#ports.logger.debug({ target: key, attempt: target.attempt, error: String(error) }, 'dial failed')
    } finally {
      target.isDialling = false
    }
    if (this.#isRunning && this.#network.isAdmitted(target.peer ?? '')) target.attempt = 0
    this.#tried(this.#unreachable)
    this.review()
  }
}
