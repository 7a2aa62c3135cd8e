import type { StandardSchemaV1 } from '@standard-schema/spec'
import { IncomingCall } from '../calls/incoming-call.ts'
import type { Clock } from '../core/clock.ts'
import type { Counters } from '../core/counters.ts'
import { type CauseChain, causeChainOfEvent } from '../events/cause-chain.ts'
import type { AmcpEvent } from '../events/event.ts'
import { isExpired } from '../events/expiry.ts'
import { ReceivedEvent } from '../events/frame/received-event.ts'
import type { Agent } from './agent.ts'
import { notCallable } from './agent-faults.ts'
import type { DataChecks } from './data-checks.ts'
import type { CallableAgent } from './defined-agent.ts'
import { copiedOut, frameOf } from './held-frames.ts'
import type { Held } from './mailbox.ts'

/** What can wait in an agent's mailbox. */
export type Work = IncomingCall | Task | AmcpEvent

/** Anything but a call and a plain event: it knows itself how to run. */
export abstract class Task {
  readonly priority: number

  constructor(priority: number) {
    this.priority = priority
  }

  abstract run(): unknown

  /** The event it is about; undefined for what no event caused. */
  get event(): AmcpEvent | undefined {
    return undefined
  }

  /** It found no room, or its agent failed: it will not run. */
  shed(): void {}
}

/** Where the events of one subscription go. */
export interface EventTarget {
  readonly schema: StandardSchemaV1 | undefined
  /** Undefined where events are handed on as they came. */
  readonly checks: DataChecks | undefined
  handle(event: AmcpEvent): unknown
}

/** An event for a handler of its own, or one whose data is checked before `handleEvent` sees it. */
export class EventTask extends Task {
  #event: AmcpEvent
  readonly #target: EventTarget

  constructor(event: AmcpEvent, target: EventTarget) {
    super(event.priority ?? 4)
    this.#event = event
    this.#target = target
  }

  override get event(): AmcpEvent {
    return this.#event
  }

  /** The event goes on in memory of its own, if that saves much. */
  lighten(counters: Counters): void {
    this.#event = copiedOut(this.#event, counters, 'agents')
  }

  override run(): unknown {
    const event = this.#event
    const target = this.#target
    if (target.checks === undefined) return target.handle(event)
    return target.checks.hand(event, target.schema, (checked) => target.handle(checked))
  }
}

/** A due timer. */
export class TimerTask extends Task {
  readonly #run: () => unknown
  readonly #onShed: (() => void) | undefined

  constructor(run: () => unknown, onShed?: () => void) {
    super(4)
    this.#run = run
    this.#onShed = onShed
  }

  override run(): unknown {
    return this.#run()
  }

  override shed(): void {
    this.#onShed?.()
  }
}

/** What events carry that are published while this is handled. */
export function causeChainOfWork(work: Work): CauseChain | undefined {
  if (work instanceof IncomingCall) return work.chain
  const event = eventOf(work)
  return event === undefined ? undefined : causeChainOfEvent(event)
}

/** The frame that waiting work keeps. A call has its input decoded already. Asked four times an event: what is frequent comes first. */
export function heldBy(work: Work): Held | undefined {
  if (work instanceof ReceivedEvent) return work.frame
  return work instanceof EventTask ? frameOf(work.event) : undefined
}

/** What should wait in place of work when much waits already. */
export function lightened(work: Work, counters: Counters): Work {
  if (work instanceof IncomingCall) return work
  if (!(work instanceof Task)) return copiedOut(work, counters, 'agents')
  if (work instanceof EventTask) work.lighten(counters)
  return work
}

/** Nobody waits any more for a call that was settled, nor for an event beyond its expiry. */
export function isOver(work: Work, clock: Clock): boolean {
  if (work instanceof IncomingCall) return work.isSettled
  const event = eventOf(work)
  return event !== undefined && isExpired(event, clock)
}

/** The event that is handled; undefined for a timer. */
export const eventOf = (work: Task | AmcpEvent): AmcpEvent | undefined => (work instanceof Task ? work.event : work)

/**
 * Handles it: what a handler gave, checked when it is the output of a call; DROPPED for an event that no handler may see.
 * Throws and rejects as the handler does.
 * @param checks for plain events; undefined where they are handed on as they came
 */
export function outcomeOf(agent: Agent & Partial<CallableAgent>, work: Work, checks: DataChecks | undefined): unknown {
  if (work instanceof Task) return work.run()
  if (!(work instanceof IncomingCall)) {
    if (checks === undefined) return agent.handleEvent(work)
    return checks.hand(work, undefined, (event) => agent.handleEvent(event))
  }
  if (agent.beginCall === undefined || agent.endCall === undefined) throw notCallable(agent, work.capability)
  const result = agent.beginCall(work)
  if (!(result instanceof Promise)) return agent.endCall(work, result)
  return result.then((value) => agent.endCall?.(work, value))
}
