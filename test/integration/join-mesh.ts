import type { Context } from '../../src/context.ts'
import type { ContextOptions } from '../../src/context-options.ts'
import { systemPorts } from '../../src/core/default-ports.ts'
import { sleep } from '../../src/core/sleep.ts'
import { withDeadline } from '../../src/core/with-deadline.ts'
import { createContext } from '../../src/create-context.ts'
import { foundMemoryMesh, type MemoryMesh } from '../../src/identity/context-identity.ts'

export type ForcedLane = 'direct' | 'gossip'

/** Longest a step of a try may take, ms: an event that has not come by then counts as missing. */
const PATIENCE = 10_000
/** Looks for links that are to end, and ms between them: they go one period (10 s) after their last use, or two. */
const SETTLE_LOOKS = 500
const LOOK = 100
const TOPIC = 'amcp.domain.join.news'

const ports = systemPorts()

/** How one newcomer fared. */
export interface JoinTry {
  /** From the start of createContext until announced() resolved, ms. */
  readonly announced: number
  /** Members whose next event was received. */
  readonly received: number
  readonly expected: number
  /** Members that had to be heard by what `subscription.ready` promises, and were not. */
  readonly broken: number
  /** Processor time of all members together, until announced() resolved, ms. */
  readonly cpu: number
}

/** Contexts in one process over libp2p, linked to some of the others only, and newcomers that join by one address. */
export class JoinMesh implements AsyncDisposable {
  readonly contexts: readonly Context[]
  readonly #mesh: MemoryMesh
  readonly #options: ContextOptions
  #tries = 0

  private constructor(mesh: MemoryMesh, contexts: readonly Context[], options: ContextOptions) {
    this.#mesh = mesh
    this.contexts = contexts
    this.#options = options
  }

  static async open(size: number, lane: ForcedLane): Promise<JoinMesh> {
    const mesh = foundMemoryMesh(ports, 'join')
    const options: ContextOptions = { lanes: { lane }, watchdog: false }
    const contexts: Context[] = []
    for (let at = 0; at < size; at += 1) {
      const earlier = contexts[Math.floor(at / 2)] ?? contexts[at - 1]
      const bootstrap = earlier === undefined ? [] : earlier.addresses
      contexts.push(await createContext({ ...options, identity: mesh.member(), bootstrap }))
    }
    const joinMesh = new JoinMesh(mesh, contexts, options)
    await joinMesh.settled()
    return joinMesh
  }

  /**
   * A newcomer joins by one address of one member and subscribes; as soon as that is ready every member publishes once.
   * A member that is not heard within 10 s counts as missing.
   */
  async join(): Promise<JoinTry> {
    const { contexts } = this
    const one = contexts[this.#tries++ % contexts.length]!
    const start = ports.clock.monotonic()
    const before = process.cpuUsage()
    await using newcomer = await createContext({
      ...this.#options,
      identity: this.#mesh.member(),
      bootstrap: one.addresses.slice(0, 1),
    })
    const heard = new Set<number>()
    const all = Promise.withResolvers<void>()
    const subscription = newcomer.subscribe(TOPIC, ({ data }) => {
      heard.add(data as number)
      if (heard.size === contexts.length) all.resolve()
    })
    await subscription.ready
    await newcomer.announced()
    const announced = ports.clock.monotonic() - start
    const { user, system } = process.cpuUsage(before)
    // On a machine too busy to hear all in 2 s, `ready` names those it promises nothing of.
    const unconfirmed = new Set(newcomer.unconfirmed)
    const isGrafted = (newcomer.metrics()['broker.gossip.ungrafted'] ?? 0) === 0
    const promised = contexts.flatMap(({ id }, at) => (isGrafted && !unconfirmed.has(id) ? [at] : []))
    await Promise.all(contexts.map((context, at) => context.publish(TOPIC, at)))
    await withDeadline(ports.clock, PATIENCE, all.promise, () => new Error('late')).catch(() => {})
    const broken = promised.filter((at) => !heard.has(at)).length
    return { announced, received: heard.size, expected: contexts.length, broken, cpu: (user + system) / 1_000 }
  }

  /** Resolves when the links that only a join or an event needed have ended again: two periods of membership or so. */
  async settled(): Promise<void> {
    const isSettled = (): boolean =>
      this.contexts.every(({ neighbours }) => neighbours.length >= 4 && neighbours.length <= this.contexts.length / 2)
    for (let look = 0; look < SETTLE_LOOKS && !isSettled(); look += 1) await sleep(ports.clock, LOOK)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.contexts.map((context) => context.stop()))
  }
}
