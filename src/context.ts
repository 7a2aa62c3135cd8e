import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Agent, AgentBroker, AgentContext, AgentDirectory } from './agent/agent.ts'
import type { AgentHandle } from './agent/agent-handle.ts'
import type { Checked, UncheckedData } from './agent/checked-data.ts'
import { DataChecks } from './agent/data-checks.ts'
import type { AgentDefinition } from './agent/definition.ts'
import type { HostedAgent } from './agent/hosted-agent.ts'
import { type PublishChecks, Publisher } from './agent/publisher.ts'
import type { QueuedSubscription, Subscription } from './agent/queued-subscription.ts'
import { AgentRegistry, type SpawnOptions } from './agent/registry.ts'
import { RunQueue } from './agent/run-queue.ts'
import { type EventStream, StreamSubscription } from './agent/stream-subscription.ts'
import type { Watch } from './agent/watch.ts'
import type { EventBroker } from './broker/event-broker.ts'
import { type CallOptions, Calls, type CallsOptions } from './calls/calls.ts'
import type { Lanes } from './calls/directory.ts'
import { drain } from './context-drain.ts'
import { OfferAnnouncer } from './context-offers.ts'
import { type EventHandler, HandlerSubscription, type SubscribeOptions } from './context-subscription.ts'
import { type Composition, compose } from './core/compose.ts'
import type { AgentId, ContextId } from './core/ids.ts'
import { type LifeCycle, STOP_MS, type StopOptions } from './core/life-cycle.ts'
import type { Ports } from './core/ports.ts'
import { checkJsonData, checkSize } from './events/data.ts'
import type { PublishOptions } from './events/published-event.ts'
import type { TopicSchemas } from './events/schemas.ts'
import { checkPublishTopic } from './events/topic.ts'
import { validateEvent } from './events/validate-event.ts'
import type { SecurityManager } from './identity/security-manager.ts'
import type { Members } from './membership/members.ts'

/** A process, or a simulated node, that hosts agents and is a member of a mesh. */
export interface Context extends AsyncDisposable {
  readonly id: ContextId
  /** The agent that the context's own publishes and calls come from. */
  readonly agent: AgentId
  /** Where others can dial this context. */
  readonly addresses: readonly string[]
  /** Other members of the mesh that are present. */
  readonly members: readonly ContextId[]
  /** Members that this context has a link to; one that dies leaves at once, and `members` when its entry is no longer renewed. */
  readonly neighbours: readonly ContextId[]
  /** Members that have not yet confirmed what this context announced. */
  readonly unconfirmed: readonly ContextId[]
  readonly agents: AgentDirectory
  /**
   * Makes an agent of a definition, or of an object that is an Agent. Resolves when it is ACTIVE and the members of the mesh
   * know of the subscriptions in its definition, or after 2 s for these; `announced` waits for what it offers, too.
   */
  spawn<State>(what: AgentDefinition<State> | Agent, options?: SpawnOptions<State>): Promise<AgentHandle>
  /** Ends agents for good, in bulk. Returns how many of them were here. */
  destroy(...agents: readonly AgentId[]): Promise<number>
  /** An id for an agent that is a class of your own: the same one for the same type and name, else a new one. */
  mint(type: string, name?: string): AgentId
  /**
   * Publishes to a topic as the context's own agent. Resolves when the broker took the event, at once unless its queue is full.
   * What `Publisher.publish` and the broker throw, as rejections.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<void>
  /**
   * Hands the pattern's events to a function, one at a time, in order. A throw is counted as `context.handler-threw`.
   * Types follow from `options.schema`. RangeError for a limit below 1; what is wrong with the pattern rejects `ready`.
   */
  subscribe<Schema extends StandardSchemaV1 | undefined = undefined>(
    pattern: string,
    handler: EventHandler<Schema>,
    options?: SubscribeOptions<Schema>,
  ): Subscription
  /** The pattern's events as an async iterator, which a refused pattern rejects, too. */
  subscribe<Schema extends StandardSchemaV1 | undefined = undefined>(
    pattern: string,
    options?: SubscribeOptions<Schema>,
  ): EventStream<Checked<Schema>>
  /** Calls a capability, or an agent by its id. Rejects as `Calls.call` does. */
  call(target: string, input: unknown, options?: CallOptions): Promise<UncheckedData>
  /**
   * Resolves when the members of the mesh know of everything that this context and its agents offer and listen to by then,
   * or after 2 s; `unconfirmed` names those that do not. ERR_ENTRY_TOO_LARGE with more than 20,000 offers or 800 KiB of them:
   * then what was offered before stays announced.
   */
  announced(): Promise<void>
  /** Counts of what happened since the start, by name. */
  metrics(): Record<string, number>
  /**
   * Works off what was accepted, sends what was published, and leaves the mesh: within 10 s in all. What takes longer is
   * given up, counted and logged. Idempotent. ERR_STOP_TIMEOUT when a part could not be ended at all; what a part throws.
   */
  stop(): Promise<void>
}

/** What mints the ids of this context's agents. */
export interface AgentMint {
  mint(type: string, name: string | undefined): AgentId
  owns(agent: AgentId): boolean
}

export interface LinkListener {
  connected(context: ContextId): void
  disconnected(context: ContextId): void
}

export interface ContextParts {
  readonly ports: Ports
  readonly members: Members
  readonly broker: EventBroker
  readonly mint: AgentMint
  readonly security: Pick<SecurityManager, 'tokenOf' | 'forget'>
  readonly schemas: TopicSchemas
  readonly watch?: Watch
  addresses(): readonly string[]
  /** Members with a link to this context. */
  neighbours(): readonly ContextId[]
  readonly lanes: Lanes
  /** Told when links to contexts come and go. Returns how to stop listening. */
  onLink?(listener: LinkListener): () => void
  /** Started in this order, before the agents, and stopped in reverse: store, watchdog, faults, network, members, broker. */
  readonly foundation: readonly LifeCycle[]
}

/** A context on parts that are given to it; who makes them is `createContext`. */
export class MeshContext implements Context, LifeCycle {
  readonly agent: AgentId
  readonly #parts: ContextParts
  readonly #registry: AgentRegistry
  readonly #calls: Calls
  readonly #publisher: Publisher
  readonly #offers: OfferAnnouncer
  readonly #queue: RunQueue
  readonly #subscriptions = new Set<QueuedSubscription>()
  readonly #data: DataChecks
  readonly #life: Composition
  #unlisten: (() => void) | undefined
  #stopping: Promise<void> | undefined

  constructor(parts: ContextParts, options: CallsOptions) {
    const { ports, members, broker, lanes, mint, schemas, watch } = parts
    this.#parts = parts
    this.agent = mint.mint('amcp.context', 'self')
    this.#queue = new RunQueue(ports.clock)
    const checks: PublishChecks = {
      topic: checkPublishTopic,
      data: (topic, data) => {
        const checked = schemas.check(topic, data)
        // Receivers in this process get the value itself, so what JSON has no form for must be refused before that.
        if (checked instanceof Uint8Array) checkSize(checked.length)
        else if (checked !== undefined) checkJsonData(checked)
        return checked
      },
      event: validateEvent,
    }
    this.#publisher = new Publisher({ self: members.self, ports, broker, checks })
    this.#data = new DataChecks(ports, 'context', schemas)
    this.#registry = new AgentRegistry({
      ports,
      broker,
      schemas,
      publisher: this.#publisher,
      ...(watch === undefined ? {} : { watch }),
      call: (caller, target, input, callOptions, chain) => this.#calls.call(caller, target, input, callOptions, chain),
      take: (event) => this.#calls.take(event),
      mint: (type, name) => mint.mint(type, name),
      isOwn: (agent) => agent === this.agent || mint.owns(agent),
      forget: (agent) => parts.security.forget(agent),
      agentContext: (registry, agentBroker) => this.#agentContext(registry, agentBroker),
      onOffers: () => {
        this.#offers.changed()
        this.#calls.reconsider()
      },
    })
    this.#offers = new OfferAnnouncer(ports, members, () => this.#registry.offers)
    this.#calls = new Calls({ ports, broker, lanes, directory: members, agents: this.#registry }, options)
    members.holdLinks((context) => this.#calls.isBusyWith(context))
    this.#life = compose(ports.clock, [...parts.foundation, this.#registry])
  }

  get id(): ContextId {
    return this.#parts.members.self
  }

  get addresses(): readonly string[] {
    return this.#parts.addresses()
  }

  get members(): readonly ContextId[] {
    return this.#parts.members.present
  }

  get neighbours(): readonly ContextId[] {
    return this.#parts.neighbours()
  }

  get unconfirmed(): readonly ContextId[] {
    return this.#parts.members.unconfirmed
  }

  get agents(): AgentDirectory {
    return this.#registry
  }

  async start(options?: { signal?: AbortSignal }): Promise<void> {
    try {
      await this.#life.start(options)
    } catch (fault) {
      this.#calls.stop()
      throw fault
    }
    this.#unlisten = this.#parts.onLink?.({
      connected: (context) => this.#calls.contextFound(context),
      disconnected: (context) => this.#calls.contextLost(context),
    })
  }

  spawn<State>(what: AgentDefinition<State> | Agent, options?: SpawnOptions<State>): Promise<HostedAgent> {
    return this.#registry.spawn(what, options)
  }

  destroy(...agents: readonly AgentId[]): Promise<number> {
    return this.#registry.destroy(agents)
  }

  mint(type: string, name?: string): AgentId {
    return this.#parts.mint.mint(type, name)
  }

  publish(topic: string, data: unknown, options?: PublishOptions): Promise<void> {
    return this.#publisher.publishing(this.agent, topic, data, options)
  }

  subscribe(pattern: string, handler: EventHandler, options?: SubscribeOptions): Subscription
  subscribe(pattern: string, options?: SubscribeOptions): EventStream
  subscribe(pattern: string, first: EventHandler | SubscribeOptions = {}, second: SubscribeOptions = {}): Subscription {
    const options = typeof first === 'function' ? second : first
    const { raw = false, schema } = options
    if (raw && schema !== undefined) throw new TypeError('raw events go through no schema: give one of the two')
    const components = {
      ports: this.#parts.ports,
      subscriptions: this.#registry.subscriptions,
      data: raw ? undefined : this.#data,
      scope: 'context',
      queue: this.#queue,
      ended: (ended: QueuedSubscription) => this.#subscriptions.delete(ended),
    } as const
    const subscription =
      typeof first === 'function'
        ? new HandlerSubscription(components, pattern, first, options)
        : new StreamSubscription(components, pattern, options)
    this.#subscriptions.add(subscription)
    return subscription
  }

  call(target: string, input: unknown, options?: CallOptions): Promise<UncheckedData> {
    return this.#calls.call(this.agent, target, input, options)
  }

  async announced(): Promise<void> {
    await Promise.all([this.#offers.announced(), this.#registry.subscriptions.ready()])
  }

  metrics(): Record<string, number> {
    return this.#parts.ports.counters.snapshot()
  }

  stop(options?: StopOptions): Promise<void> {
    this.#stopping ??= this.#stop(options)
    return this.#stopping
  }

  async #stop({ by = this.#parts.ports.clock.monotonic() + STOP_MS }: StopOptions = {}): Promise<void> {
    this.#calls.refuse()
    this.#registry.subscriptions.close()
    await drain(this.#parts.ports.clock, by - this.#life.stopReserve, () => this.#isIdle())
    // Only now: what is lost meanwhile ends the calls to it, and the handlers that work for it.
    this.#unlisten?.()
    this.#calls.stop()
    for (const subscription of [...this.#subscriptions]) subscription.stop()
    await this.#life.stop({ by })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #isIdle(): boolean {
    if (this.#calls.open > 0) return false
    for (const subscription of this.#subscriptions) if (!subscription.isIdle) return false
    for (const agent of this.#registry.list) if (!agent.isIdle) return false
    return true
  }

  #agentContext(registry: AgentDirectory, broker: AgentBroker): AgentContext {
    const { security, addresses } = this.#parts
    return {
      registry,
      broker,
      security,
      get endpoint() {
        return addresses()
      },
    }
  }
}
