import type { BrokerSubscription, EventBroker } from '../broker/event-broker.ts'
import type { CallOptions } from '../calls/calls.ts'
import type { LocalAgents } from '../calls/directory.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId } from '../core/ids.ts'
import { type LifeCycle, STOP_MS, type StopOptions } from '../core/life-cycle.ts'
import type { Ports } from '../core/ports.ts'
import type { CauseChain } from '../events/cause-chain.ts'
import type { AmcpEvent } from '../events/event.ts'
import { TopicSchemas } from '../events/schemas.ts'
import { agentOfTopic, topicOfAgent } from '../events/topic.ts'
import type { Offer } from '../membership/members.ts'
import type { Agent, AgentBroker, AgentContext, AgentDirectory } from './agent.ts'
import { CheckedBroker } from './agent-broker.ts'
import type { AgentHost } from './agent-host.ts'
import { DataChecks } from './data-checks.ts'
import { DefinedAgent, initialState } from './defined-agent.ts'
import type { AgentDefinition } from './definition.ts'
import { HostedAgent } from './hosted-agent.ts'
import { type AgentServices, HostedSelf } from './hosted-self.ts'
import { CheckedPatterns } from './listeners.ts'
import { Providers } from './providers.ts'
import type { Publisher } from './publisher.ts'
import { RunQueue } from './run-queue.ts'
import { type PatternListener, SharedSubscriptions } from './shared-subscriptions.ts'
import { noWatch, type Watch } from './watch.ts'

/** How many may wait for an agent of the caller's own class. */
const MAILBOX_LIMIT = 1_024

export interface SpawnOptions<State = unknown> {
  /** Gives the same id after a restart of the context. Without one the id is random. */
  name?: string
  /** What the schema makes whole. @default {} */
  state?: Partial<State>
}

export interface AgentRegistryComponents {
  readonly ports: Ports
  readonly broker: EventBroker
  readonly publisher: Publisher
  /** What arrives must fit them. */
  readonly schemas?: TopicSchemas
  readonly watch?: Watch
  /** @param chain of what the caller is handling */
  call(caller: AgentId, target: string, input: unknown, options?: CallOptions, chain?: CauseChain): Promise<unknown>
  /** Takes what belongs to calls out of an agent's events. */
  take(event: AmcpEvent): boolean
  /** A new id of this context; the same one for the same type and name. */
  mint(type: string, name: string | undefined): AgentId
  /** Whether this context minted the id. */
  isOwn(agent: AgentId): boolean
  /** The agent is gone: nothing has to be kept for it. */
  forget(agent: AgentId): void
  /** What agents that are classes of their own find around themselves. */
  agentContext(registry: AgentDirectory, broker: AgentBroker): AgentContext
  /** Agents came, went, or offer something else. */
  onOffers(): void
}

/** The agents of one context. */
export class AgentRegistry implements LifeCycle, LocalAgents, AgentDirectory {
  readonly #parts: AgentRegistryComponents
  readonly #agents = new Map<AgentId, HostedAgent>()
  /** The listeners of agents whose subscriptions have schemas; the others listen themselves. */
  readonly #checked = new Map<HostedAgent, PatternListener>()
  readonly #providers = new Providers()
  readonly #host: AgentHost
  readonly #services: AgentServices
  /** For hooks that end the agents, when handlers took all the time there was for them. */
  readonly stopReserve = 200
  #inbox: BrokerSubscription | undefined
  #isStopped = false

  constructor(components: AgentRegistryComponents) {
    const { ports, broker, publisher, schemas = new TopicSchemas(), watch = noWatch } = components
    this.#parts = components
    const data = new DataChecks(ports, 'agents', schemas)
    this.#host = { ports, queue: new RunQueue(ports.clock), watch, data, nested: 0 }
    this.#services = {
      ports,
      publisher,
      data,
      subscriptions: new SharedSubscriptions(broker),
      call: (caller, target, input, options, chain) => components.call(caller, target, input, options, chain),
    }
  }

  get list(): readonly HostedAgent[] {
    return [...this.#agents.values()]
  }

  get size(): number {
    return this.#agents.size
  }

  get subscriptions(): SharedSubscriptions {
    return this.#services.subscriptions
  }

  /** Everything the agents here offer. */
  get offers(): readonly Offer[] {
    const offers: Offer[] = []
    for (const hosted of this.#agents.values()) {
      if (!(hosted.agent instanceof DefinedAgent)) continue
      for (const [capability, { version, proficiency, cost }] of hosted.agent.definition.capabilities) {
        offers.push({
          agent: hosted.id,
          capability,
          version,
          ...(proficiency === undefined ? {} : { proficiency }),
          ...(cost === undefined ? {} : { cost }),
        })
      }
    }
    return offers
  }

  /** Opens the inbox of all agents here: one subscription, whatever their number. */
  async start(): Promise<void> {
    this.#isStopped = false
    this.#inbox ??= await this.#parts.broker.subscribe(topicOfAgent('*'), (event, delivery) =>
      this.#receive(event, delivery),
    )
  }

  /** Destroys all agents and closes the inbox. */
  async stop({ by = this.#parts.ports.clock.monotonic() + STOP_MS }: StopOptions = {}): Promise<void> {
    this.#isStopped = true
    await this.destroy(this.#agents.keys(), by)
    this.#inbox?.unsubscribe()
    this.#inbox = undefined
  }

  get(agent: AgentId): HostedAgent | undefined {
    return this.#agents.get(agent)
  }

  offering(capability: string): HostedAgent | undefined {
    return this.#providers.next(capability)
  }

  /**
   * Resolves when the agent is ACTIVE and the mesh knows of the subscriptions in its definition, or 2 s passed for these; what
   * it offers is announced after that. A definition as often as wanted, an agent of your own class once.
   * ERR_AGENT_EXISTS, ERR_SCHEMA_MISMATCH for the state, ERR_TOPIC_INVALID, ERR_STOPPED; what `onActivate` throws.
   */
  async spawn<State>(
    what: AgentDefinition<State> | Agent,
    { name, state }: SpawnOptions<State> = {},
  ): Promise<HostedAgent> {
    if (this.#isStopped) throw new AmcpError('ERR_STOPPED', 'the context is stopped')
    const hosted = 'handleEvent' in what ? this.#adopt(what, name) : await this.#define(what, name, state)
    // A schema may have taken its time.
    if (this.#isStopped) throw new AmcpError('ERR_STOPPED', 'the context is stopped')
    const { id } = hosted
    this.#checkFree(hosted, name)
    this.#agents.set(id, hosted)
    try {
      await this.#activate(hosted)
    } catch (fault) {
      // Another one may have its id by now, if it was destroyed meanwhile.
      if (this.#agents.get(id) === hosted) await this.destroy([id])
      throw fault
    }
    return hosted
  }

  #checkFree({ id, type }: Pick<Agent, 'id' | 'type'>, name: string | undefined): void {
    if (!this.#agents.has(id)) return
    throw new AmcpError('ERR_AGENT_EXISTS', `there is an agent ${id} already`, {
      details: { agent: id, type, ...(name === undefined ? {} : { name }) },
    })
  }

  /**
   * Destroys agents in bulk; ids that are not here are passed over. Returns how many there were.
   * @param by as for one agent
   */
  async destroy(agents: Iterable<AgentId>, by?: number): Promise<number> {
    const ends: Promise<void>[] = []
    for (const id of [...agents]) {
      const hosted = this.#agents.get(id)
      if (hosted === undefined) continue
      this.#agents.delete(id)
      this.#withdraw(hosted)
      ends.push(hosted.destroy(by).finally(() => this.#parts.forget(id)))
    }
    if (ends.length > 0) this.#parts.onOffers()
    await Promise.all(ends)
    return ends.length
  }

  #adopt(agent: Agent, name: string | undefined): HostedAgent {
    if (!this.#parts.isOwn(agent.id)) throw new TypeError(`the id ${agent.id} was not minted by this context`)
    this.#checkFree(agent, name)
    const hosted = new HostedAgent(agent, this.#host, { name, mailboxLimit: MAILBOX_LIMIT, failsOnThrow: false })
    try {
      agent.setContext(this.#parts.agentContext(this, new CheckedBroker(hosted, this.#services)))
    } catch (fault) {
      hosted.attached?.end()
      throw fault
    }
    return hosted
  }

  async #define(definition: AgentDefinition, name: string | undefined, given: unknown): Promise<HostedAgent> {
    const checked = initialState(definition, given)
    const state = checked instanceof Promise ? await checked : checked
    const agent = new DefinedAgent(this.#parts.mint(definition.type, name), definition, state)
    const { mailboxLimit, failsOnThrow } = definition
    const hosted = new HostedAgent(agent, this.#host, { name, mailboxLimit, failsOnThrow })
    agent.makeSelf = () => new HostedSelf(agent, hosted, this.#services)
    return hosted
  }

  async #activate(hosted: HostedAgent): Promise<void> {
    if (!(hosted.agent instanceof DefinedAgent)) return hosted.activate()
    const { subscribe, capabilities } = hosted.agent.definition
    if (subscribe.size > 0) await this.#subscribe(hosted, subscribe)
    await hosted.activate()
    if (capabilities.size === 0 || this.#agents.get(hosted.id) !== hosted) return
    for (const capability of capabilities.keys()) this.#providers.add(capability, hosted)
    this.#parts.onOffers()
  }

  async #subscribe(hosted: HostedAgent, patterns: AgentDefinition['subscribe']): Promise<void> {
    let listener: PatternListener = hosted
    if ([...patterns.values()].some((schema) => schema !== undefined)) {
      listener = new CheckedPatterns(hosted, patterns)
      this.#checked.set(hosted, listener)
    }
    await Promise.all([...patterns.keys()].map((pattern) => this.subscriptions.add(pattern, listener)))
  }

  #withdraw(hosted: HostedAgent): void {
    if (!(hosted.agent instanceof DefinedAgent)) return
    const { subscribe, capabilities } = hosted.agent.definition
    for (const capability of capabilities.keys()) this.#providers.remove(capability, hosted)
    const listener = this.#checked.get(hosted) ?? hosted
    for (const pattern of subscribe.keys()) this.subscriptions.remove(pattern, listener)
    this.#checked.delete(hosted)
  }

  #receive(event: AmcpEvent, delivery: number): void {
    const id = agentOfTopic(event.subject) as AgentId
    const hosted = this.#agents.get(id)
    // The broker shows us what leaves for agents elsewhere, too.
    if (hosted === undefined && !this.#parts.isOwn(id)) return
    if (this.#parts.take(event)) return
    if (hosted === undefined) this.#parts.ports.counters.add('agents.unknown')
    else hosted.receive(event, delivery)
  }
}
