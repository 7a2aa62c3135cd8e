import type { Context } from '../context.ts'
import type { ContextOptions } from '../context-options.ts'
import { Counters } from '../core/counters.ts'
import type { Crypto } from '../core/crypto.ts'
import type { ContextId } from '../core/ids.ts'
import { silentLogger } from '../core/logger.ts'
import type { SeededRandom } from '../core/seeded-random.ts'
import type { Store } from '../core/store.ts'
import type { VirtualClock } from '../core/virtual-clock.ts'
import { createContext } from '../create-context.ts'
import type { ContextIdentity } from '../identity/context-identity.ts'
import type { SimulatedSwarm } from '../network/simulated/swarm.ts'
import { MortalClock } from './mortal-clock.ts'

export interface SimulatedContextComponents {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly crypto: Crypto
  readonly swarm: SimulatedSwarm
  readonly identity: ContextIdentity
  /** Outlives crashes, as a disk does. */
  readonly store: Store
}

/** What a simulated context takes from its surroundings cannot be chosen. */
export type SimulatedContextOptions = Omit<
  ContextOptions,
  'mesh' | 'folder' | 'identity' | 'listen' | 'mdns' | 'preset' | 'logger' | 'watchdog' | 'ports' | 'network' | 'store'
>

/** From one start to the stop or crash that ends it. */
interface Life {
  readonly clock: MortalClock
  readonly started: Promise<Context>
  /** Until it is told to stop. */
  context: Context | undefined
}

/** A whole context in a simulated swarm, that can be killed and started again over the same store. */
export class SimulatedContext {
  /** `c0`, `c1` and so on: how traces and tables call it. */
  readonly name: string
  readonly #components: SimulatedContextComponents
  #lives = 0
  #life: Life | undefined

  constructor(name: string, components: SimulatedContextComponents) {
    this.name = name
    this.#components = components
  }

  get id(): ContextId {
    return this.#components.identity.id
  }

  /** Where it can be dialled when it runs. */
  get address(): string {
    return `/sim/1/p2p/${this.id}`
  }

  /** The running context. RangeError when it does not run. */
  get context(): Context {
    if (this.#life?.context === undefined) throw new RangeError(`${this.name} does not run`)
    return this.#life.context
  }

  get isRunning(): boolean {
    return this.#life?.context !== undefined
  }

  /** Errors: those of createContext, after which it may be started again; RangeError when it runs, starts or stops. */
  async start(options: SimulatedContextOptions = {}): Promise<Context> {
    if (this.#life !== undefined) throw new RangeError(`${this.name} runs already`)
    const { random, crypto, swarm, identity, store } = this.#components
    const number = this.#lives
    this.#lives += 1
    const counters = new Counters()
    const clock = new MortalClock(this.#components.clock)
    const ports = { clock, random: random.fork(`life ${number}`), crypto, logger: silentLogger, counters }
    const network = swarm.network(identity.seed, { counters })
    const started = createContext({ ...options, identity, ports, network, store })
    const life: Life = { clock, started, context: undefined }
    this.#life = life
    try {
      life.context = await started
      return life.context
    } catch (fault) {
      this.#end(life)
      throw fault
    }
  }

  /** Leaves the mesh in good order; one that is still starting does so when it has started. */
  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    life.context = undefined
    // Why it did not start is told to whoever started it.
    const context = await life.started.catch(() => undefined)
    await context?.stop()
    this.#end(life)
  }

  /** Kills it, as `kill -9` would, or as a power cut would when `silent`. */
  crash(options: { silent?: boolean } = {}): void {
    this.#life?.clock.die()
    this.#life = undefined
    this.#components.swarm.crash(this.id, options)
  }

  /** Not one that began since, after a crash. */
  #end(life: Life): void {
    if (this.#life === life) this.#life = undefined
  }
}
