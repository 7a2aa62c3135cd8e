import type { CallTarget } from '../calls/directory.ts'
import { IncomingCall } from '../calls/incoming-call.ts'
import { endedBy } from '../core/ended-by.ts'
import type { AmcpError } from '../core/errors.ts'
import type { AgentId } from '../core/ids.ts'
import type { CauseChain } from '../events/cause-chain.ts'
import type { AmcpEvent } from '../events/event.ts'
import { type Agent, type AgentInfo, type AgentStatus, checkTransition } from './agent.ts'
import { mailboxFull, reportHung, reportThrow, stateError } from './agent-faults.ts'
import type { AgentHost, HostedAgentOptions } from './agent-host.ts'
import { type DataChecks, DROPPED } from './data-checks.ts'
import { COPY_ABOVE, Mailbox } from './mailbox.ts'
import type { Runnable } from './run-queue.ts'
import type { PatternListener } from './shared-subscriptions.ts'
import { Turns } from './turns.ts'
import { causeChainOfWork, eventOf, heldBy, isOver, lightened, outcomeOf, Task, type Work } from './work.ts'

/** Calls answered inside calls before the next one takes the way through the mailbox: the stack is bounded. */
const MAX_NESTED_CALLS = 32
/** How long `destroy` waits for a handler that is still running, in ms. */
const LAST_HANDLER_WAIT = 5_000

/** One agent in its context: its life cycle, its mailbox, and the promise that its handlers run one at a time. */
export class HostedAgent implements CallTarget, Runnable, PatternListener, AgentInfo {
  readonly agent: Agent
  readonly name: string | undefined
  readonly #host: AgentHost
  readonly #options: HostedAgentOptions
  #status: AgentStatus = 'CREATED'
  #mailbox: Mailbox<Work> | undefined
  readonly #turns = new Turns()
  /** Where data must be read first: a handler whose throw fails the agent must not be the one that finds it unreadable. */
  readonly #checks: DataChecks | undefined
  /** Whoever has the turn waits for a promise, and the watch was told. */
  #isSuspended = false
  #isQueued = false
  /** What is being handled, until its handler has ended, and what it passes on, once somebody asked. */
  #work: Work | undefined
  #chain: CauseChain | undefined
  /** Number of the last delivery: an event that fits two patterns of one agent comes twice in a row. */
  #last = 0
  /** What ends with the agent: its timers and subscriptions. */
  attached: { end(): void } | undefined
  handled = 0
  failures = 0
  dropped = 0

  constructor(agent: Agent, host: AgentHost, options: HostedAgentOptions) {
    this.agent = agent
    this.name = options.name
    this.#host = host
    this.#options = options
    this.#checks = options.failsOnThrow || host.data.isNeeded ? host.data : undefined
  }

  get id(): AgentId {
    return this.agent.id
  }
  get type(): string {
    return this.agent.type
  }
  get status(): AgentStatus {
    return this.#status
  }
  get waiting(): number {
    return this.#mailbox?.size ?? 0
  }

  /** Nothing is under way and nothing waits that could be handled now. */
  get isIdle(): boolean {
    return !this.#turns.isTaken && (this.waiting === 0 || this.#status !== 'ACTIVE')
  }

  /**
   * What is published and called now is caused by: the event or call whose handler has not ended. Undefined in hooks and
   * timers. Work that a handler started and did not wait for counts to whatever is handled when it publishes.
   */
  get chain(): CauseChain | undefined {
    if (this.#chain === undefined && this.#work !== undefined) this.#chain = causeChainOfWork(this.#work)
    return this.#chain
  }

  /** What events are checked by for a handler with a schema, or without one; undefined where it gets them as they came. */
  checksFor(hasSchema: boolean): DataChecks | undefined {
    return hasSchema ? this.#host.data : this.#checks
  }

  /** An event of a subscribed pattern or to the agent's own topic. */
  receive(event: AmcpEvent, delivery: number): void {
    if (delivery === this.#last) return
    this.#last = delivery
    this.put(event, event.priority ?? 4)
  }

  accept(call: IncomingCall): void {
    const host = this.#host
    if (this.#turns.isTaken || this.#status !== 'ACTIVE' || this.waiting > 0 || host.nested >= MAX_NESTED_CALLS) {
      this.put(call, call.priority)
      return
    }
    host.nested += 1
    try {
      this.#run(call)
    } finally {
      host.nested -= 1
    }
  }

  put(work: Work, priority: number): void {
    if (this.#status === 'DESTROYED' || this.#status === 'FAILED') {
      this.#shed(work, stateError(this))
      return
    }
    this.#mailbox ??= new Mailbox(this.#options.mailboxLimit, heldBy)
    const waiting = this.#mailbox.bytes > COPY_ABOVE ? lightened(work, this.#host.ports.counters) : work
    for (let shed = this.#mailbox.push(waiting, priority); shed !== undefined; shed = this.#mailbox.overflow())
      this.#shed(shed, mailboxFull(this))
    this.#queue(false)
  }

  step(): boolean {
    const work = this.#turns.isTaken || this.#status !== 'ACTIVE' ? undefined : this.#mailbox?.shift()
    if (work !== undefined && !this.#isOver(work)) this.#run(work)
    this.#isQueued = !this.#turns.isTaken && this.#status === 'ACTIVE' && this.waiting > 0
    return this.#isQueued
  }

  /** Its caller was told of a call that is over; an event is dropped here. */
  #isOver(work: Work): boolean {
    if (!isOver(work, this.#host.ports.clock)) return false
    if (!(work instanceof IncomingCall)) this.#drop('agents.expired')
    return true
  }

  #drop(how: string): void {
    this.dropped += 1
    this.#host.ports.counters.add(how)
  }

  /** From CREATED, INACTIVE or FAILED. A throw of the hook makes the agent FAILED and is thrown again. */
  async activate(): Promise<void> {
    checkTransition(this.id, this.#status, 'ACTIVE')
    await this.#hook('ACTIVE', () => this.agent.onActivate?.())
  }

  /** What comes from now on waits in the mailbox. */
  async deactivate(): Promise<void> {
    checkTransition(this.id, this.#status, 'INACTIVE')
    this.#status = 'INACTIVE'
    await this.#hook('INACTIVE', () => this.agent.onDeactivate?.())
  }

  /**
   * For good: what waits is shed, the call being served ends with ERR_AGENT_STATE. A second time changes nothing.
   * @param by reading of the clock by which it is over, though a handler or `onDestroy` may hang. Without it `onDestroy` has
   * the time it takes.
   */
  async destroy(by: number = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#status === 'DESTROYED') return
    this.#status = 'DESTROYED'
    this.attached?.end()
    this.#empty()
    // Its caller learns the end also when the handler never comes back.
    if (this.#isSuspended && this.#work instanceof IncomingCall) this.#work.end(stateError(this))
    const { clock } = this.#host.ports
    // Half of what is left, so that the hook has some time, too.
    const limit = Math.min(LAST_HANDLER_WAIT, (by - clock.monotonic()) / 2)
    if (!(await this.#turns.ended(clock, limit))) reportHung(this.#host.ports, this, 'a handler')
    try {
      if (!(await endedBy(clock, by, Promise.resolve(this.agent.onDestroy?.()))))
        reportHung(this.#host.ports, this, 'onDestroy')
    } catch (thrown) {
      this.#count(thrown)
    }
  }

  /** Runs a hook when its turn has come, with the mailbox held back. */
  async #hook(to: AgentStatus, hook: () => void | Promise<void> | undefined): Promise<void> {
    const from = this.#status
    await this.#turns.take()
    try {
      // It failed, was destroyed, or went there for somebody else meanwhile.
      if (this.#status !== from) throw stateError(this)
      await this.#attempt(hook)
      // Destroyed while the hook ran: it stays so.
      if (this.#status === from) this.#status = to
    } finally {
      this.#release()
    }
  }

  async #attempt(hook: () => void | Promise<void> | undefined): Promise<void> {
    const outer = this.#host.watch.enter(this.id)
    try {
      let result: void | Promise<void> | undefined
      try {
        result = hook()
      } finally {
        this.#host.watch.leave(outer)
      }
      if (result !== undefined) this.#suspend()
      await result
    } catch (thrown) {
      this.#count(thrown)
      await this.#fail(thrown)
      throw thrown
    }
  }

  #run(work: Work): void {
    this.#turns.isTaken = true
    this.#work = work
    const { watch } = this.#host
    const outer = watch.enter(this.id)
    try {
      const result = outcomeOf(this.agent, work, this.#checks)
      if (result instanceof Promise) {
        this.#suspend()
        result.then(
          (output) => this.#done(work, output),
          (thrown) => this.#threw(work, thrown),
        )
      } else this.#done(work, result)
    } catch (thrown) {
      this.#threw(work, thrown)
    } finally {
      watch.leave(outer)
    }
  }

  #done(work: Work, output: unknown): void {
    if (output === DROPPED) this.dropped += 1
    else this.handled += 1
    this.#release()
    if (work instanceof IncomingCall) work.complete(output)
  }

  /** A call that failed is its caller's to know; the agent goes on. */
  #threw(work: Work, thrown: unknown): void {
    if (work instanceof IncomingCall) {
      this.failures += 1
      this.#host.ports.counters.add('agents.call-failed')
      this.#release()
      work.fail(thrown)
      return
    }
    const isExcused = this.#host.data.excuses(thrown, eventOf(work))
    if (isExcused) this.dropped += 1
    else this.#count(thrown)
    if (this.#options.failsOnThrow && !isExcused) void this.#fail(thrown).then(() => this.#release())
    else this.#release()
  }

  /** Called by who has the turn and gives it back afterwards, so that nothing runs beside `onFailure`. */
  async #fail(reason: unknown): Promise<void> {
    if (this.#status === 'DESTROYED') return
    this.#status = 'FAILED'
    this.#empty()
    try {
      await this.agent.onFailure?.(reason)
    } catch (thrown) {
      this.#count(thrown)
    }
  }

  #count(thrown: unknown): void {
    this.failures += 1
    reportThrow(this.#host.ports, this, thrown)
  }

  #suspend(): void {
    this.#isSuspended = true
    this.#host.watch.suspend(this.id)
  }

  #release(): void {
    this.#work = undefined
    this.#chain = undefined
    const hasWaited = this.#isSuspended
    if (hasWaited) {
      this.#isSuspended = false
      this.#host.watch.settle(this.id)
    }
    this.#turns.end()
    this.#queue(hasWaited)
  }

  #queue(isResumed: boolean): void {
    if (this.#isQueued || this.#turns.isTaken || this.#status !== 'ACTIVE' || this.waiting === 0) return
    this.#isQueued = true
    if (isResumed) this.#host.queue.resume(this)
    else this.#host.queue.add(this)
  }

  #empty(): void {
    for (let work = this.#mailbox?.shift(); work !== undefined; work = this.#mailbox?.shift()) {
      this.#shed(work, stateError(this))
    }
  }

  #shed(work: Work, fault: AmcpError): void {
    this.#drop(fault.code === 'ERR_MAILBOX_FULL' ? 'agents.mailbox-full' : 'agents.shed')
    if (work instanceof IncomingCall) work.fail(fault)
    else if (work instanceof Task) work.shed()
  }
}
