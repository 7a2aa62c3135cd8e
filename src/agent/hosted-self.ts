import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { CallOptions } from '../calls/calls.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import type { CauseChain } from '../events/cause-chain.ts'
import type { AmcpEvent } from '../events/event.ts'
import type { PublishOptions } from '../events/published-event.ts'
import { stateError } from './agent-faults.ts'
import { AgentSubscriptions } from './agent-subscriptions.ts'
import type { UncheckedData } from './checked-data.ts'
import type { DataChecks } from './data-checks.ts'
import type { DefinedAgent } from './defined-agent.ts'
import type { HostedAgent } from './hosted-agent.ts'
import { AgentListener } from './listeners.ts'
import type { Publisher } from './publisher.ts'
import type { QueueOptions } from './queued-subscription.ts'
import type { AgentSelf, AgentSubscription, AgentTimer } from './self.ts'
import type { SharedSubscriptions } from './shared-subscriptions.ts'
import { type EventStream, StreamSubscription } from './stream-subscription.ts'
import { TimerTask } from './work.ts'

type Handler = (event: AmcpEvent<UncheckedData>) => void | Promise<void>

/** Timers of one agent at a time. */
const MAX_TIMERS = 1_024

export interface AgentServices {
  readonly ports: Ports
  readonly publisher: Publisher
  readonly subscriptions: SharedSubscriptions
  readonly data: DataChecks
  /** @param chain of what the caller is handling */
  call(caller: AgentId, target: string, input: unknown, options?: CallOptions, chain?: CauseChain): Promise<unknown>
}

/** `self` of an agent in a context. Made when a handler first asks for it, so that idle agents do not pay for it. */
export class HostedSelf implements AgentSelf {
  readonly #agent: DefinedAgent
  readonly #hosted: HostedAgent
  readonly #services: AgentServices
  readonly #timers = new Set<AgentTimer>()
  readonly #subscriptions: AgentSubscriptions

  constructor(agent: DefinedAgent, hosted: HostedAgent, services: AgentServices) {
    this.#agent = agent
    this.#hosted = hosted
    this.#services = services
    this.#subscriptions = new AgentSubscriptions(hosted, services)
    hosted.attached = this
  }

  get id(): AgentId {
    return this.#agent.id
  }

  get type(): string {
    return this.#agent.type
  }

  get name(): string | undefined {
    return this.#hosted.name
  }

  get state(): unknown {
    return this.#agent.state
  }

  set state(state: unknown) {
    this.#agent.state = state
  }

  publish(topic: string, data: unknown, options?: PublishOptions): Promise<void> {
    try {
      this.#checkAlive()
    } catch (fault) {
      return Promise.reject(fault)
    }
    return this.#services.publisher.publishing(this.id, topic, data, options, this.#hosted.chain)
  }

  subscribe(pattern: string, handler: Handler, options?: { schema?: StandardSchemaV1 }): AgentSubscription
  subscribe(pattern: string, options?: QueueOptions): EventStream
  subscribe(pattern: string, first: Handler | QueueOptions = {}, second: QueueOptions = {}): AgentSubscription {
    if (typeof first !== 'function') return this.#stream(pattern, first)
    const listener = new AgentListener(pattern, this.#hosted, { schema: second.schema, handler: first })
    const ready = this.#subscriptions.add(pattern, listener)
    return { pattern, ready, unsubscribe: () => this.#subscriptions.remove(pattern, listener) }
  }

  #stream(pattern: string, options: QueueOptions): StreamSubscription {
    const { ports, data } = this.#services
    const dropped = (): void => {
      this.#hosted.dropped += 1
    }
    const components = { ports, data, scope: 'agents', subscriptions: this.#subscriptions, dropped } as const
    return new StreamSubscription(components, pattern, { limit: this.#agent.definition.mailboxLimit, ...options })
  }

  async call(target: string, input: unknown, options?: CallOptions): Promise<UncheckedData> {
    this.#checkAlive()
    return this.#services.call(this.id, target, input, options, this.#hosted.chain)
  }

  after(ms: number, run: () => void | Promise<void>): AgentTimer {
    this.#checkTimers()
    return this.#after(ms, run)
  }

  every(ms: number, run: () => void | Promise<void>): AgentTimer {
    if (!(ms > 0)) throw new RangeError(`a period is a positive number of ms, got ${ms}`)
    this.#checkTimers()
    let isCancelled = false
    let timer: AgentTimer
    const wait = (): void => {
      if (!isCancelled && this.#hosted.status !== 'DESTROYED') timer = this.#after(ms, again, wait)
    }
    const again = async (): Promise<void> => {
      try {
        await run()
      } finally {
        wait()
      }
    }
    // A run that found no room in the mailbox is left out; the next one comes in its time.
    timer = this.#after(ms, again, wait)
    return {
      cancel: () => {
        isCancelled = true
        timer.cancel()
      },
    }
  }

  now(): number {
    return this.#services.ports.clock.now()
  }

  random(): number {
    return this.#services.ports.random.float()
  }

  /** The agent is destroyed. */
  end(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#subscriptions.end()
  }

  #after(ms: number, run: () => void | Promise<void>, onShed?: () => void): AgentTimer {
    let isCancelled = false
    const timer = this.#services.ports.clock.after(ms, () => {
      this.#timers.delete(handle)
      const task = new TimerTask(() => (isCancelled ? undefined : run()), onShed)
      this.#hosted.put(task, task.priority)
    })
    const handle: AgentTimer = {
      cancel: () => {
        isCancelled = true
        timer.cancel()
        this.#timers.delete(handle)
      },
    }
    this.#timers.add(handle)
    return handle
  }

  #checkTimers(): void {
    this.#checkAlive()
    if (this.#timers.size < MAX_TIMERS) return
    throw new AmcpError('ERR_QUEUE_FULL', `agent ${this.id} has ${MAX_TIMERS} timers already`, {
      details: { agent: this.id },
    })
  }

  #checkAlive(): void {
    if (this.#hosted.status !== 'DESTROYED') return
    throw stateError(this.#hosted)
  }
}
